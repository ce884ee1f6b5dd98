/**
 * What MeshHook keeps, in PostgreSQL.
 *
 * @module
 */
export * from "./postgres_engine_store.ts";

/** The folder of the numbered migrations. */
export const meshhookMigrations: URL = new URL("migrations/", import.meta.url);
