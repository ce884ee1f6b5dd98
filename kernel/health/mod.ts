/**
 * Health checks that run in the background, and the probes that read them.
 *
 * @module
 */
export * from "./certificate_expiry_check.ts";
export {
  createHealthRegistry,
  type HealthRegistryOptions,
} from "./create_health_registry.ts";
export * from "./disk_space_check.ts";
export * from "./event_loop_lag_check.ts";
export * from "./failure_text.ts";
export * from "./health_check.ts";
export {
  type CheckDocument,
  type HealthDocument,
  healthDocument,
  type HealthWord,
} from "./health_document.ts";
export * from "./health_registry.ts";
export * from "./heartbeat.ts";
export * from "./http_check.ts";
export * from "./memory_check.ts";
export { checkResponse, type ProbeOptions, probeResponse } from "./probe.ts";
export * from "./tcp_check.ts";
