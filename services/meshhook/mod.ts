/**
 * Signed webhooks in, durable workflows, live logs, honest health.
 *
 * @module
 */
export * from "./config.ts";
export { parseWorkflow } from "./domain/check_workflow.ts";
export { secretUse } from "./domain/hook.ts";
export type * from "./domain/tenant_store.ts";
export type { MeshhookServiceOptions } from "./meshhook_service.ts";
export * from "./module.ts";
export * from "./orchestrator/module.ts";
