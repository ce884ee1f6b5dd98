import {
  migrationStatus,
  type Postgres,
  readMigrations,
} from "@mainstay/adapters/postgres";
import { OperationalError } from "@mainstay/kernel/errors";

/** The database is not of this version. */
class NotMigrated extends OperationalError<"not-migrated"> {
  constructor(names: readonly string[], remedy: string) {
    super(
      "not-migrated",
      `Cannot administer: the database lacks ${names.join(", ")}; ${remedy}`,
    );
  }
}

/**
 * Makes sure that a database has the schema that this version works on.
 *
 * @param remedy What to do otherwise: "start a server on it".
 * @throws {NotMigrated} Naming what it lacks.
 */
export async function requireMigrated(
  postgres: Postgres,
  { migrations, remedy }: {
    readonly migrations: URL;
    readonly remedy: string;
  },
): Promise<void> {
  const files = await readMigrations(migrations);
  const { pending } = await migrationStatus(postgres, files);
  if (pending.length === 0) return;
  throw new NotMigrated(pending.map(({ name }) => name), remedy);
}
