/**
 * Secrets at rest, under keys of the operator's.
 *
 * @module
 */
export * from "./key_encryption.ts";
export * from "./key_encryption_failure.ts";
