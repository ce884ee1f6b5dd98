/**
 * What MeshHook keeps, in PostgreSQL.
 *
 * @module
 */
export * from "./postgres_storage.ts";
