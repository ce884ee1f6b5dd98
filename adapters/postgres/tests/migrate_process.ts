/** Migrates once and prints the files it applied: for tests with several processes. */
import { migrate } from "../migrate.ts";
import { readMigrations } from "../read_migrations.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

const [folder = ""] = Deno.args;
await using tested = openTestPostgres(Deno.env.get("DATABASE_URL") ?? "");
const applied = await migrate(tested.postgres, await readMigrations(folder));
const names = applied.map(({ name }) => name).join(",");
await Deno.stdout.write(new TextEncoder().encode(`applied:${names};\n`));
