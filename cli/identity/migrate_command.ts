import {
  migrate,
  migrationStatus,
  readMigrations,
} from "@mainstay/adapters/postgres";
import { postgresDatabase } from "@mainstay/identity/storage";
import { defineCommand } from "../command.ts";
import { openIdentity } from "./open_identity.ts";

/** `mainstay identity migrate`. */
export const migrateCommand = defineCommand({
  name: "migrate",
  summary: "Bring the database to this version, or tell whether it is",
  help:
    `Applies the migrations that the database does not have, each in a transaction of
its own. The servers do the same when they start, so this is for those who would
do it before; of several at once, one migrates and the others wait.

--check changes nothing: it exits with 1 if there is something to apply, and
fails if the database was migrated by other files than these.`,
  options: {
    check: { type: "boolean", description: "Only tell what would be done" },
  },
  async run({ options }, io) {
    await using identity = await openIdentity();
    const { postgres } = identity;
    const files = await readMigrations(postgresDatabase.migrations);
    const names = (migrations: ReadonlyArray<{ readonly name: string }>) =>
      migrations.map(({ name }) => name);
    if (options.check) {
      const status = await migrationStatus(postgres, files);
      const pending = names(status.pending);
      io.emit({ applied: names(status.applied), pending });
      for (const name of pending) io.print(`Not applied: ${name}`);
      if (pending.length === 0) io.print("The database is up to date");
      return pending.length === 0 ? 0 : 1;
    }
    const applied = names(await migrate(postgres, files));
    io.emit({ applied });
    for (const name of applied) io.print(`Applied: ${name}`);
    if (applied.length === 0) io.print("The database is up to date");
    return 0;
  },
});
