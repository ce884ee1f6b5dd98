/**
 * Repeating what may succeed later, and leaving alone what will not.
 *
 * @module
 */
export * from "./breaker.ts";
export * from "./observe_resilience.ts";
export * from "./retry.ts";
export * from "./retry_delay.ts";
export * from "./transient.ts";
