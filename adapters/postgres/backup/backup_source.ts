import type { Queryable } from "../postgres.ts";

/** What a service's backups are of. */
export interface BackupSource {
  /** Its name: a backup is restored for no other. */
  readonly service: string;
  /** Its migrations: `new URL("migrations/", import.meta.url)`. */
  readonly migrations: string | URL;
  /** Schemas that the migrations make besides, for what is in no backup: a restore makes them anew. */
  readonly otherSchemas?: readonly string[];
  /** What the manifest is to say of the data, read in the same snapshot; values of JSON. */
  readonly facts?: (
    snapshot: Queryable,
  ) => Promise<Readonly<Record<string, unknown>>>;
}
