export * from "./health_check.ts";
export * from "./health_registry.ts";
