/**
 * Health checks that run in the background, and the probes that read them.
 *
 * @module
 */
export * from "./create_health_registry.ts";
export * from "./failure_text.ts";
export { type HealthDocument, healthDocument } from "./health_document.ts";
export * from "./health_check.ts";
export * from "./health_registry.ts";
export { checkResponse, type ProbeOptions, probeResponse } from "./probe.ts";
