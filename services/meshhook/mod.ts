/**
 * Signed webhooks in, durable workflows, live logs, honest health.
 *
 * @module
 */
export * from "./domain/check_workflow.ts";
