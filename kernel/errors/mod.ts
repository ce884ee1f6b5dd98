/**
 * Expected failures: one base, stable codes, two audiences.
 *
 * @module
 */
export * from "./operational_error.ts";
export * from "./invalid_input.ts";
export * from "./schema_mistakes.ts";
