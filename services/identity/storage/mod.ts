/**
 * What the identity servers keep, in PostgreSQL.
 *
 * @module
 */
export * from "./postgres_storage.ts";
