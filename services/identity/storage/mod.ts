/**
 * What the identity servers keep, in PostgreSQL.
 *
 * @module
 */
export * from "./finish_restore.ts";
export * from "./identity_backup_source.ts";
export * from "./postgres_storage.ts";
