/**
 * Signed webhooks in, durable workflows, live logs, honest health.
 *
 * @module
 */
export * from "./config.ts";
export type { MeshhookServiceOptions } from "./meshhook_service.ts";
export * from "./module.ts";
export * from "./orchestrator/module.ts";
