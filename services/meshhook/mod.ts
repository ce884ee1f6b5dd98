/**
 * Signed webhooks in, durable workflows, live logs, honest health.
 *
 * @module
 */
export * from "./config.ts";
export { parseWorkflow } from "./domain/check_workflow.ts";
export { encryptedAnew } from "./domain/encrypted_anew.ts";
export { secretUse } from "./domain/hook.ts";
export type * from "./domain/project_administration.ts";
export * from "./domain/replay_run.ts";
export type { NumberedEvent, RunEvent } from "./domain/run_event.ts";
export { IllegalTransition } from "./domain/run_state.ts";
export type * from "./domain/tenant_store.ts";
export * from "./domain/verify_run.ts";
export type { MeshhookServiceOptions } from "./meshhook_service.ts";
export * from "./module.ts";
export * from "./orchestrator/module.ts";
export { expressionRunner } from "./worker/expression_runner.ts";
