import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import fc from "fast-check";
import { migrate } from "../../migrate.ts";
import { readMigrations } from "../../read_migrations.ts";
import type { TestedPostgres } from "../../tests/open_test_postgres.ts";
import { backupDatabase } from "../backup_database.ts";
import { readBackup } from "../read_backup.ts";
import { restoreDatabase } from "../restore_database.ts";
import { failsAsBackup } from "./fails_as_backup.ts";
import { contentOf, openBackupStage, schemaOf } from "./backup_stage.ts";

async function fill({ postgres }: TestedPostgres): Promise<void> {
  await postgres.query(`
    INSERT INTO people (name, at, span, ratio, amount) VALUES
      ('Ann', '2026-01-02 03:04:05.678901+00', '1 mon 2 days 00:00:00.5', 0.1, 1.10),
      ('Bob', '-infinity', NULL, 'NaN', 'NaN');
    UPDATE people SET best_friend = 3 - id;
    INSERT INTO accounts VALUES (7, 1), (8, 2);
    UPDATE people SET main_account = id + 6;
    INSERT INTO "We""ird / Näme" VALUES (1, 'x'), (NULL, '');
    UPDATE settings SET value = 'dark';
    INSERT INTO diary VALUES ('1999-12-31', 'old'), ('2026-01-01', 'new');
    INSERT INTO audit VALUES (1, 'first');
    REFRESH MATERIALIZED VIEW head_count;
    SELECT nextval('tickets'), nextval('tickets')`);
}

Deno.test("a restored database is the one that was backed up", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await fill(from);
  const facts = () => Promise.resolve({ keys: ["k1"] });
  const path = `${folder}/one`;
  const backup = await backupDatabase(
    from.postgres,
    { ...source, facts },
    { path },
  );
  deepStrictEqual(await readBackup(path), backup);
  const { manifest } = backup;
  deepStrictEqual(manifest.facts, { keys: ["k1"] });
  strictEqual(manifest.service, "shop");
  ok(/^\d+\.\d+/.test(manifest.serverVersion));
  deepStrictEqual(
    manifest.tables.map(({ name, rows }) => [name, rows]),
    [
      ['We"ird / Näme', 2],
      ["accounts", 2],
      ["audit", 1],
      ["diary", 2],
      ["people", 2],
      ["settings", 1],
    ],
  );
  for await (const { name } of Deno.readDir(path)) {
    strictEqual((await Deno.stat(`${path}/${name}`)).mode! & 0o777, 0o600);
  }
  strictEqual((await Deno.stat(path)).mode! & 0o777, 0o700);

  const result = await restoreDatabase(to.postgres, source, backup);
  deepStrictEqual(result, { tables: 6, rows: 10, migrated: [], skipped: [] });
  strictEqual(await contentOf(to), await contentOf(from));
  strictEqual(await schemaOf(to), await schemaOf(from));
  // The guards are back, and the sequences go on.
  await rejects(to.postgres.query("DELETE FROM audit"), /append-only/);
  await rejects(to.postgres.query("INSERT INTO accounts VALUES (9, 99)"));
  const { rows } = await to.postgres.query(
    "INSERT INTO people (name) VALUES ('Cy') RETURNING id, nextval('tickets') AS ticket",
  );
  deepStrictEqual(rows, [{ id: "3", ticket: "102" }]);
});

Deno.test("restoreDatabase() replaces data only when told so", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  const { postgres } = from;
  await fill(from);
  const backup = await backupDatabase(postgres, source, {
    path: `${folder}/one`,
  });
  const before = await contentOf(from);
  await failsAsBackup(
    restoreDatabase(postgres, source, backup),
    "database-populated",
    /holds rows \(.*people.*\), which --clean would replace/,
  );
  await postgres.query("INSERT INTO people (name) VALUES ('late')");
  await postgres.query("CREATE VIEW extra AS SELECT * FROM people");
  await restoreDatabase(postgres, source, backup, { clean: true });
  strictEqual(await contentOf(from), before);
  // Migrated, but empty: nothing is lost.
  await migrate(to.postgres, await readMigrations(source.migrations));
  await to.postgres.query("DELETE FROM settings");
  await restoreDatabase(to.postgres, source, backup);
  strictEqual(await contentOf(to), before);
});

Deno.test("restoreDatabase() leaves a database of something else alone", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  await to.postgres.query("CREATE TABLE wages (id int)");
  await failsAsBackup(
    restoreDatabase(to.postgres, source, backup, { clean: true }),
    "database-populated",
    /is not this service's \(wages\)/,
  );
  await to.postgres.query("SELECT * FROM wages");
});

Deno.test("restoreDatabase() brings an older schema up to this release", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await fill(from);
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  await stage.addMigrations({
    "0004_names.sql":
      "ALTER TABLE people ADD COLUMN initial text; UPDATE people SET initial = left(name, 1);",
  });
  const { migrated } = await restoreDatabase(to.postgres, source, backup);
  deepStrictEqual(migrated, ["0004_names.sql"]);
  const { rows } = await to.postgres.query("SELECT initial FROM people");
  deepStrictEqual(rows, [{ initial: "A" }, { initial: "B" }]);
  // And back: what this release does not know, it does not restore.
  const newer = await backupDatabase(to.postgres, source, {
    path: `${folder}/two`,
  });
  await Deno.remove(`${source.migrations}/0004_names.sql`);
  await failsAsBackup(
    restoreDatabase(from.postgres, source, newer, { clean: true }),
    "backup-mismatch",
    /not one of this release \(0004_names\.sql was applied and is missing\)/,
  );
  await failsAsBackup(
    restoreDatabase(to.postgres, { ...source, service: "bank" }, backup),
    "backup-mismatch",
    /is of the service shop, not of bank/,
  );
});

Deno.test("restoreDatabase() keeps the database as it was if a newer migration fails", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder } = stage;
  await fill(from);
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  await from.postgres.query("INSERT INTO people (name) VALUES ('late')");
  const before = await contentOf(from);
  await stage.addMigrations({ "0004_bad.sql": "SELECT 1/0" });
  await rejects(
    restoreDatabase(from.postgres, source, backup, { clean: true }),
    /0004_bad\.sql.* failed: division by zero/,
  );
  strictEqual(await contentOf(from), before);
});

Deno.test("restoreDatabase() names tables that no migration makes", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await from.postgres.query("CREATE TABLE by_hand (id serial)");
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  const { skipped } = await restoreDatabase(to.postgres, source, backup);
  deepStrictEqual(skipped, ["by_hand"]);
});

Deno.test("rows of any values come back identical", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  const hostile = fc.oneof(
    fc.constantFrom(
      "",
      "\\N",
      "\\.",
      "\n",
      "\r\n",
      "\t",
      "\\",
      '"',
      "NULL",
      "\\\\N\n\\.\n",
    ),
    // PostgreSQL's text holds any character but NUL.
    fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", "")),
  );
  const orNull = <Value>(value: fc.Arbitrary<Value>) =>
    fc.option(value, { nil: null });
  const row = fc.tuple(
    hostile,
    orNull(hostile),
    orNull(fc.array(orNull(hostile), { maxLength: 4 })),
    orNull(
      fc.jsonValue({ stringUnit: "grapheme" }).map((value) =>
        JSON.stringify(value).replaceAll(/\\u0000|\\ud[89a-f]../gi, "")
      ),
    ),
    orNull(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
    orNull(
      fc.bigInt({
        min: -210_866_803_200_000_000n,
        max: 9_000_000_000_000_000n,
      }),
    ),
    orNull(fc.double()),
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 20 }),
      async (rows) => {
        await from.postgres.query("DELETE FROM people");
        for (const [name, note, tags, doc, raw, micros, ratio] of rows) {
          await from.postgres.query(
            `INSERT INTO people (name, note, tags, doc, raw, at, ratio)
           VALUES ($1, $2, $3, $4, $5, timestamptz 'epoch' + $6::bigint * interval '1 microsecond', $7)`,
            [name, note, tags, doc, raw, micros?.toString() ?? null, ratio],
          );
        }
        await from.postgres.query("REFRESH MATERIALIZED VIEW head_count");
        const path = `${folder}/run-${run++}`;
        const backup = await backupDatabase(from.postgres, source, { path });
        await restoreDatabase(to.postgres, source, backup, { clean: true });
        strictEqual(await contentOf(to), await contentOf(from));
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("a backup is one moment, however much is written meanwhile", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  // Money moves between two tables, so that only a snapshot has all of it.
  await from.postgres.query(`
    INSERT INTO people (name, note) SELECT 'p', repeat(md5(n::text), 50)
      FROM generate_series(1, 20000) n;
    INSERT INTO accounts VALUES (0, 1);
    INSERT INTO "We""ird / Näme" VALUES (1000, 'balance');`);
  let moving = true;
  const move = async () => {
    for (let n = 0; moving; n++) {
      await from.postgres.transaction(async (transaction) => {
        await transaction.query(
          `UPDATE "We""ird / Näme" SET "Col umn" = "Col umn" - 1`,
        );
        await transaction.query(
          'UPDATE settings SET value = (1000 - (SELECT "Col umn" FROM "We""ird / Näme"))::text',
        );
        await transaction.query(
          "INSERT INTO accounts SELECT max(id) + 1, 1 FROM accounts",
        );
      });
    }
  };
  const movement = move();
  await eventually("money moves", async () => {
    const { rows } = await from.postgres.query<{ n: number }>(
      "SELECT max(id) AS n FROM accounts",
    );
    return (rows[0]?.n ?? 0) > 5;
  });
  try {
    const backup = await backupDatabase(from.postgres, source, {
      path: `${folder}/one`,
    });
    await restoreDatabase(to.postgres, source, backup);
  } finally {
    moving = false;
    await movement;
  }
  const { rows } = await to.postgres.query(
    `SELECT "Col umn" + value::int AS sum, value::int = (SELECT max(id) FROM accounts) AS same
     FROM "We""ird / Näme", settings`,
  );
  deepStrictEqual(rows, [{ sum: 1000, same: true }]);
});

Deno.test("a backup waits for migrations, and has all of one or nothing", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await fill(from);
  await stage.addMigrations({
    "0004_slow.sql":
      "ALTER TABLE people ADD age int; UPDATE people SET age = 1; SELECT pg_sleep(0.5); ALTER TABLE people ALTER age TYPE bigint;",
  });
  const migrating = migrate(
    from.postgres,
    await readMigrations(source.migrations),
  );
  await eventually("it is migrated", async () => {
    const { rows } = await from.postgres.query(
      "SELECT FROM pg_locks WHERE locktype = 'advisory'",
    );
    return rows.length > 0;
  });
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  await migrating;
  strictEqual(backup.manifest.migrations.length, 4);
  await restoreDatabase(to.postgres, source, backup);
  strictEqual(await contentOf(to), await contentOf(from));
});
