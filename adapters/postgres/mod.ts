/**
 * PostgreSQL for a service: pool, typed queries, transactions, migrations,
 * check and metrics.
 *
 * @module
 */
export * from "./backup/backup_database.ts";
export * from "./backup/backup_failure.ts";
export * from "./backup/backup_folder.ts";
export * from "./backup/backup_module.ts";
export * from "./backup/backup_settings.ts";
export * from "./backup/backup_source.ts";
export * from "./backup/restore_database.ts";
export { type Backup, readBackup, verifyBackup } from "./backup/read_backup.ts";
export {
  DatabaseFailure,
  type DatabaseFailureCode,
} from "./database_failure.ts";
export * from "./database_problems.ts";
export type { QueryResult, Statement } from "./driver.ts";
export * from "./describe_schema.ts";
export * from "./grouped.ts";
export * from "./migrate.ts";
export * from "./migration_failure.ts";
export * from "./on_one_replica.ts";
export * from "./open_postgres.ts";
export * from "./postgres.ts";
export * from "./postgres_check.ts";
export * from "./postgres_module.ts";
export * from "./postgres_settings.ts";
export * from "./read_migrations.ts";
