/**
 * Traces and logs for an OpenTelemetry collector, where the process was started
 * with one.
 *
 * @module
 */
export * from "./export_line.ts";
export * from "./runtime_telemetry.ts";
export * from "./tracer.ts";
