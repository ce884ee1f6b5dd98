import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { eventually, startProcess } from "@mainstay/adapters/testing";
import { backupDatabase } from "../backup_database.ts";
import { restoreDatabase } from "../restore_database.ts";
import { contentOf, fillMuch, openBackupStage } from "./backup_stage.ts";

const PROCESS = new URL("backup_process.ts", import.meta.url).href;

Deno.test("a restore that is killed leaves the database as it was", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder, server } = stage;
  await fillMuch(stage, 30_000);
  const path = `${folder}/one`;
  const backup = await backupDatabase(from.postgres, source, { path });
  const backedUp = await contentOf(from);
  await from.postgres.query("UPDATE people SET name = 'q' WHERE id % 2 = 0");
  const before = await contentOf(from);
  await using process = await startProcess(
    ["run", "-A", PROCESS, "restore", path, String(source.migrations)],
    { env: { DATABASE_URL: server.url() } },
  );
  // Seen from another database: here the tables are locked.
  await eventually("rows are loaded", async () => {
    const { rows } = await stage.to.postgres.query(
      "SELECT FROM pg_stat_progress_copy WHERE bytes_processed > 1000000",
    );
    return rows.length > 0;
  });
  process.kill("SIGKILL");
  await process.exited;
  strictEqual(await contentOf(from), before);
  await restoreDatabase(from.postgres, source, backup, { clean: true });
  strictEqual(await contentOf(from), backedUp);
});

Deno.test("a restore that is stopped says what has become of the database", async (t) => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await from.postgres.query(
    "INSERT INTO people (name) VALUES ('Ann'); REFRESH MATERIALIZED VIEW head_count",
  );
  const backup = await backupDatabase(from.postgres, source, {
    path: `${folder}/one`,
  });
  const backedUp = await contentOf(from);
  await from.postgres.query("UPDATE people SET name = 'Bob'");
  const before = await contentOf(from);
  const interruption = new Error("interrupted");

  await t.step("before the end it is as it was", async () => {
    const stop = new AbortController();
    await rejects(
      restoreDatabase(from.postgres, source, backup, {
        clean: true,
        signal: stop.signal,
        async finish(transaction) {
          await transaction.query("DELETE FROM people");
          stop.abort(interruption);
        },
      }),
      interruption,
    );
    strictEqual(await contentOf(from), before);
  });

  await t.step("tables that are not its own are not waited for", async () => {
    await from.postgres.query("CREATE SCHEMA elsewhere CREATE TABLE busy ()");
    await from.postgres.transaction(async (transaction) => {
      await transaction.query("LOCK elsewhere.busy IN SHARE MODE");
      const signal = AbortSignal.timeout(20_000);
      await restoreDatabase(from.postgres, source, backup, {
        clean: true,
        signal,
      });
    });
    strictEqual(await contentOf(from), backedUp);
    const { rows } = await from.postgres.query(
      `SELECT reltuples FROM pg_class WHERE relname = 'people'`,
    );
    deepStrictEqual(rows, [{ reltuples: 1 }]);
  });

  await t.step("while it is committed, it is done", async () => {
    const stop = new AbortController();
    const restoring = restoreDatabase(to.postgres, source, backup, {
      signal: stop.signal,
      async finish(transaction) {
        await transaction.query(`
          CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON people
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause();
          SET CONSTRAINTS ALL DEFERRED;
          UPDATE people SET name = 'Cy'`);
      },
    });
    await eventually("it is committing", async () => {
      const { rows } = await from.postgres.query(
        `SELECT FROM pg_stat_activity
         WHERE query = 'COMMIT' AND wait_event = 'PgSleep'`,
      );
      return rows.length > 0;
    });
    stop.abort(interruption);
    ok((await restoring).rows > 0);
    const { rows } = await to.postgres.query("SELECT name FROM people");
    deepStrictEqual(rows, [{ name: "Cy" }]);
  });
});
