/**
 * What MeshHook keeps, in PostgreSQL.
 *
 * @module
 */
export * from "./finish_restore.ts";
export * from "./meshhook_backup_source.ts";
export * from "./postgres_storage.ts";
