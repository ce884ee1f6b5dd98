/** `backup|restore <folder> <migrations>`, to be killed or starved: for tests. */
import { openTestPostgres } from "../../tests/open_test_postgres.ts";
import { backupDatabase } from "../backup_database.ts";
import { readBackup } from "../read_backup.ts";
import { restoreDatabase } from "../restore_database.ts";

const [act, path = "", migrations = ""] = Deno.args;
const source = { service: "shop", migrations };
await using tested = openTestPostgres(Deno.env.get("DATABASE_URL") ?? "");
try {
  if (act === "backup") {
    await backupDatabase(tested.postgres, source, { path });
  } else {
    const backup = await readBackup(path);
    await restoreDatabase(tested.postgres, source, backup, { clean: true });
  }
  say("done");
} catch (failure) {
  say(failure instanceof Error ? failure.message : String(failure));
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
