import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  eventually,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { migrate, migrationStatus } from "../migrate.ts";
import {
  MigrationFailure,
  type MigrationFailureCode,
} from "../migration_failure.ts";
import { readMigrations } from "../read_migrations.ts";
import { openTestPostgres } from "./open_test_postgres.ts";

/** A folder of migrations, removed at the end. */
async function folderOf(files: Record<string, string>) {
  const path = await Deno.makeTempDir({ prefix: "mainstay-migrations-" });
  const write = async (more: Record<string, string>) => {
    for (const [name, sql] of Object.entries(more)) {
      await Deno.writeTextFile(`${path}/${name}`, sql);
    }
  };
  await write(files);
  return {
    path,
    write,
    read: () => readMigrations(path),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

function refuses(
  promise: Promise<unknown>,
  code: MigrationFailureCode,
  message: RegExp,
): Promise<void> {
  return rejects(promise, (error) => {
    ok(error instanceof MigrationFailure, String(error));
    strictEqual(error.code, code);
    ok(message.test(error.message), error.message);
    return true;
  });
}

const TWO = {
  "0001_people.sql": "CREATE TABLE people (id int PRIMARY KEY);",
  "0002_pets.sql":
    "CREATE TABLE pets (id int);\nINSERT INTO people VALUES (1);\nSELECT pg_sleep(0.2);",
  "README.md": "not SQL",
};

Deno.test("migrate() applies what is pending, in order, once", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf(TWO);
  await using tested = openTestPostgres(server.url());
  const { postgres, log } = tested;
  const names = async () => {
    const status = await migrationStatus(postgres, await folder.read());
    return [status.applied, status.pending].map((list) =>
      list.map(({ name }) => name.slice(0, 4)).join()
    );
  };
  deepStrictEqual(await names(), ["", "0001,0002"]);
  await migrate(postgres, await folder.read(), { log });
  deepStrictEqual(await names(), ["0001,0002", ""]);
  deepStrictEqual(await migrate(postgres, await folder.read()), []);
  await folder.write({ "0003_more.sql": "ALTER TABLE pets ADD owner int" });
  deepStrictEqual(await names(), ["0001,0002", "0003"]);
  strictEqual((await migrate(postgres, await folder.read())).length, 1);
  deepStrictEqual(log.messages(), [
    "INFO Migration 0001_people.sql applied",
    "INFO Migration 0002_pets.sql applied",
  ]);
});

Deno.test("migrate() is done once by three processes at once", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf(TWO);
  const run = () =>
    startProcess(
      [
        "run",
        "-A",
        new URL("migrate_process.ts", import.meta.url).href,
        folder.path,
      ],
      { env: { DATABASE_URL: server.url() } },
    );
  await using first = await run();
  await using second = await run();
  await using third = await run();
  const all = [first, second, third];
  const codes = await Promise.all(all.map(({ exited }) => exited));
  const outputs = await Promise.all(all.map((process) => process.stdout()));
  deepStrictEqual(
    codes,
    [0, 0, 0],
    (await first.stderr()) + await second.stderr(),
  );
  deepStrictEqual(
    outputs.map((text) => /applied:(.*);/.exec(text)?.[1]).toSorted(),
    ["", "", "0001_people.sql,0002_pets.sql"],
  );
});

Deno.test("migrate() as a user that may create nothing waits for one that may", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf({
    ...TWO,
    "0003_reader.sql": "GRANT SELECT ON schema_migrations TO reader",
  });
  await using owner = openTestPostgres(server.url());
  await owner.postgres.query("CREATE ROLE reader LOGIN PASSWORD 'reader'");
  const url = new URL(server.url());
  [url.username, url.password] = ["reader", "reader"];
  await using reader = openTestPostgres(url.href);
  const files = await folder.read();
  const { log } = reader;

  const stop = new AbortController();
  const given = migrate(reader.postgres, files, { signal: stop.signal });
  stop.abort(new Error("given up"));
  await rejects(given, /given up/);

  let waited = true;
  const waiting = migrate(reader.postgres, files, { log })
    .finally(() => waited = false);
  await eventually("it says so", () => log.messages().length > 0);
  await migrate(owner.postgres, files.slice(0, 2));
  ok(waited, "not all of them are there");
  await migrate(owner.postgres, files);
  deepStrictEqual(await waiting, []);
  deepStrictEqual(log.messages(), [
    "INFO Waiting: another user migrates the database, this one may not",
  ]);
  await refuses(
    migrate(reader.postgres, files.slice(0, 2)),
    "migration-mismatch",
    /0003_reader\.sql was applied and is missing/,
  );
});

Deno.test("migrate() names file, line and column, and keeps nothing of the file", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf({
    "0001_people.sql": "CREATE TABLE people (id int);",
    "0002_broken.sql":
      "CREATE TABLE pets (id int);\n-- ä😀\n  INSERT INTO nowhere VALUES (1);",
    "0003_never.sql": "CREATE TABLE never (id int);",
  });
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  await refuses(
    migrate(postgres, await folder.read()),
    "migration-failed",
    /0002_broken\.sql, line 3, column 15 failed: relation "nowhere" does not exist/,
  );
  const { rows } = await postgres.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  deepStrictEqual(rows.map(({ name }) => name), [
    "people",
    "schema_migrations",
  ]);
  // Mended, it goes on where it stood.
  await folder.write({ "0002_broken.sql": "CREATE TABLE pets (id int);" });
  strictEqual((await migrate(postgres, await folder.read())).length, 2);
});

Deno.test("migrate() refuses files that are not those that were applied", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf(TWO);
  await using tested = openTestPostgres(server.url());
  const { postgres } = tested;
  await migrate(postgres, await folder.read());

  await folder.write({
    "0001_people.sql": TWO["0001_people.sql"] + "\r\n-- x",
  });
  await Deno.remove(`${folder.path}/0002_pets.sql`);
  const both =
    /0001_people\.sql was changed.*; 0002_pets\.sql was applied and is missing/;
  await refuses(
    migrate(postgres, await folder.read()),
    "migration-mismatch",
    both,
  );
  await refuses(
    migrationStatus(postgres, await folder.read()),
    "migration-mismatch",
    both,
  );

  await Deno.remove(`${folder.path}/0001_people.sql`);
  await folder.write({
    "0002_pets.sql": TWO["0002_pets.sql"].replaceAll("\n", "\r\n"),
    "0001_people.sql": TWO["0001_people.sql"],
  });
  deepStrictEqual(await migrate(postgres, await folder.read()), []);

  await postgres.query(
    "UPDATE schema_migrations SET version = 5 WHERE version = 2",
  );
  await Deno.rename(
    `${folder.path}/0002_pets.sql`,
    `${folder.path}/0005_pets.sql`,
  );
  await folder.write({ "0003_late.sql": "SELECT 1" });
  await refuses(
    migrate(postgres, await folder.read()),
    "migration-mismatch",
    /0003_late\.sql comes before 0002_pets\.sql/,
  );
});

Deno.test("migrate() says so when a file ends its own transaction", async () => {
  await using server = await startPostgres();
  await using folder = await folderOf({
    "0001_a.sql": "CREATE TABLE a (id int); COMMIT;",
  });
  await using tested = openTestPostgres(server.url());
  await refuses(
    migrate(tested.postgres, await folder.read()),
    "migration-failed",
    /0001_a\.sql ends its own transaction/,
  );
});

Deno.test("migrate() rolls back and lets others go on when it is killed or aborted", async () => {
  await using server = await startPostgres();
  await using slow = await folderOf({
    "0001_slow.sql": "CREATE TABLE half (id int);\nSELECT pg_sleep(60);",
  });
  await using quick = await folderOf({
    "0001_quick.sql": "CREATE TABLE whole (id int);",
  });
  await using tested = openTestPostgres(server.url());
  const { postgres, log } = tested;
  const running = async () => {
    const { rows } = await postgres.query(
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE TABLE half%' AND state = 'active'",
    );
    return rows.length > 0;
  };
  {
    await using process = await startProcess(
      [
        "run",
        "-A",
        new URL("migrate_process.ts", import.meta.url).href,
        slow.path,
      ],
      { env: { DATABASE_URL: server.url() } },
    );
    await eventually("the slow one runs", running);
    const waiting = migrate(postgres, await quick.read(), { log });
    await eventually(
      "the other waits",
      () =>
        log.messages().includes(
          "INFO Waiting: another process migrates the database",
        ),
    );
    process.kill("SIGKILL");
    await process.exited;
    // The dead process held the lock until PostgreSQL noticed.
    strictEqual((await waiting).length, 1);
  }
  await postgres.query("DELETE FROM schema_migrations");
  const abort = new AbortController();
  const reason = new Error("shutting down");
  const aborted = rejects(
    migrate(postgres, await slow.read(), { signal: abort.signal }),
    (error) => error === reason,
  );
  await eventually("the slow one runs", running);
  abort.abort(reason);
  await aborted;
});

Deno.test("readMigrations() names every file that is misnamed", async () => {
  await using folder = await folderOf({
    "0001_a.sql": "",
    "0001_b.sql": "",
    "2_c.sql": "",
    "0000_d.sql": "",
  });
  await refuses(
    folder.read(),
    "migration-mismatch",
    /0000_d.* not named like.*0001_b\.sql shares its number with 0001_a\.sql.*2_c/,
  );
  await using empty = await folderOf({});
  await refuses(empty.read(), "migration-mismatch", /no migration/);
});
