import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { eventually, startProcess } from "@mainstay/adapters/testing";
import { DatabaseFailure } from "../../database_failure.ts";
import type { Queryable } from "../../postgres.ts";
import { openTestPostgres } from "../../tests/open_test_postgres.ts";
import { backupDatabase } from "../backup_database.ts";
import { type Backup, readBackup } from "../read_backup.ts";
import { restoreDatabase } from "../restore_database.ts";
import { contentOf, fillMuch, openBackupStage } from "./backup_stage.ts";
import { failsAsBackup } from "./fails_as_backup.ts";

const PROCESS = new URL("backup_process.ts", import.meta.url).href;

async function namesIn(folder: string): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.filter((name) => name !== "migrations").sort();
}

Deno.test("a damaged backup is refused before anything is written", async (t) => {
  await using stage = await openBackupStage();
  const { from, source, folder } = stage;
  await from.postgres.query("INSERT INTO people (name) VALUES ('Ann')");
  const path = `${folder}/one`;
  await backupDatabase(from.postgres, source, { path });
  const before = await contentOf(from);
  const broken = async (
    name: string,
    damage: (path: string) => Promise<void>,
    message: RegExp,
  ) => {
    await t.step(name, async () => {
      const copy = `${folder}/${name}`;
      await Deno.mkdir(copy);
      for (const file of await namesIn(path)) {
        await Deno.copyFile(`${path}/${file}`, `${copy}/${file}`);
      }
      await damage(copy);
      const restoring = async () =>
        await restoreDatabase(
          from.postgres,
          source,
          await readBackup(copy),
          { clean: true },
        );
      await failsAsBackup(restoring(), "backup-damaged", message);
      strictEqual(await contentOf(from), before);
    });
  };
  const edit = async (file: string, change: (bytes: Uint8Array) => void) => {
    const bytes = await Deno.readFile(file);
    change(bytes);
    await Deno.writeFile(file, bytes);
  };
  await broken(
    "a bit of a table",
    (copy) => edit(`${copy}/settings.copy.gz`, (b) => b[15]! ^= 1),
    /settings\.copy\.gz \(table settings\) is not as it was written/,
  );
  await broken(
    "a table cut off",
    (copy) => Deno.truncate(`${copy}/people.copy.gz`, 12),
    /people\.copy\.gz \(table people\) has 12 bytes of \d+/,
  );
  await broken(
    "a table that is gone",
    (copy) => Deno.remove(`${copy}/people.copy.gz`),
    /people\.copy\.gz: is missing/,
  );
  await broken(
    "a manifest cut off",
    (copy) => Deno.truncate(`${copy}/manifest.json`, 100),
    /manifest\.json is no manifest/,
  );
  await broken(
    "a manifest that was edited",
    async (copy) => {
      const file = `${copy}/manifest.json`;
      const text = await Deno.readTextFile(file);
      await Deno.writeTextFile(file, text.replace('"rows": 1', '"rows": 2'));
    },
    /manifest\.json is not as it was written/,
  );
  await broken(
    "something else",
    (copy) => Deno.writeTextFile(`${copy}/manifest.json`, '{"name":"a"}'),
    /manifest\.json is no manifest/,
  );
  await t.step("a file that is no folder", async () => {
    await failsAsBackup(
      readBackup(`${source.migrations}/0001_people.sql`),
      "backup-damaged",
      /manifest\.json: /,
    );
  });
});

Deno.test("rows that the schema refuses change nothing, and are said with their table", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder } = stage;
  await from.postgres.query(`
    ALTER TABLE accounts DROP CONSTRAINT accounts_owner_fkey;
    INSERT INTO accounts VALUES (1, 99)`);
  const orphans = await backupDatabase(from.postgres, source, {
    path: `${folder}/orphans`,
  });
  await failsAsBackup(
    restoreDatabase(to.postgres, source, orphans),
    "restore-failed",
    /table accounts: insert or update on table "accounts" violates foreign key constraint "accounts_owner_fkey"/,
  );
  await from.postgres.query(`
    DELETE FROM accounts;
    ALTER TABLE settings DROP CONSTRAINT settings_pkey;
    INSERT INTO settings SELECT * FROM settings`);
  const doubles = await backupDatabase(from.postgres, source, {
    path: `${folder}/doubles`,
  });
  await failsAsBackup(
    restoreDatabase(to.postgres, source, doubles),
    "restore-failed",
    /table settings: duplicate key/,
  );
  await from.postgres.query("ALTER TABLE settings ADD extra int");
  const wider = await backupDatabase(from.postgres, source, {
    path: `${folder}/wider`,
  });
  await failsAsBackup(
    restoreDatabase(to.postgres, source, wider),
    "restore-failed",
    /table settings: column "extra".* does not exist/,
  );
  strictEqual(await contentOf(to), "[]");
});

Deno.test("what the database user may not do is said", async () => {
  await using stage = await openBackupStage();
  const { from, to, source, folder, server } = stage;
  await from.postgres.query("CREATE ROLE guest LOGIN PASSWORD 'guest'");
  const path = `${folder}/one`;
  const backup = await backupDatabase(from.postgres, source, { path });
  const asGuest = (url: string) => {
    const guest = new URL(url);
    [guest.username, guest.password] = ["guest", "guest"];
    return openTestPostgres(guest.href);
  };
  await using reader = asGuest(server.url());
  await failsAsBackup(
    backupDatabase(reader.postgres, source, { path: `${folder}/two` }),
    "backup-failed",
    /permission denied for table/,
  );
  await using writer = asGuest(server.url("other"));
  await failsAsBackup(
    restoreDatabase(writer.postgres, source, backup),
    "restore-failed",
    /permission denied for schema public/,
  );
  strictEqual(await contentOf(to), "[]");
  deepStrictEqual(await namesIn(folder), ["one"]);
});

Deno.test("a backup that PostgreSQL does not survive leaves nothing", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder, server } = stage;
  await fillMuch(stage, 50_000);
  const path = `${folder}/one`;
  const backup = backupDatabase(from.postgres, source, { path });
  const failure = rejects(backup, (error) => error instanceof DatabaseFailure);
  await eventually(
    "rows are written",
    async () => {
      const { size } = await Deno.stat(`${path}.partial/people.copy.gz`)
        .catch(() => ({ size: 0 }));
      return size > 0;
    },
  );
  await server.kill("SIGKILL");
  await failure;
  deepStrictEqual(await namesIn(folder), []);
  await server.restart();
  await eventually("it is back", async () => {
    await backupDatabase(from.postgres, source, { path });
    return true;
  });
  deepStrictEqual(await namesIn(folder), ["one"]);
});

Deno.test("a backup of a server that has frozen is given up", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder } = stage;
  let pid = 0;
  const frozen = {
    ...source,
    // The last statement before the tables.
    async facts(snapshot: Queryable) {
      const { rows } = await snapshot.query<{ pid: number }>(
        "SELECT pg_backend_pid() AS pid",
      );
      pid = rows[0]?.pid ?? 0;
      Deno.kill(pid, "SIGSTOP");
      return {};
    },
  };
  try {
    await failsAsBackup(
      backupDatabase(from.postgres, frozen, {
        path: `${folder}/one`,
        stallTimeoutMs: 500,
      }),
      "backup-failed",
      /nothing of table .+ came for 0\.5 s/,
    );
    deepStrictEqual(await namesIn(folder), []);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
});

Deno.test("a backup that is killed leaves nothing under its name", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder, server } = stage;
  await fillMuch(stage, 50_000);
  const path = `${folder}/one`;
  await using process = await startProcess(
    ["run", "-A", PROCESS, "backup", path, String(source.migrations)],
    { env: { DATABASE_URL: server.url() } },
  );
  await eventually("rows are written", async () => {
    const { size } = await Deno.stat(`${path}.partial/people.copy.gz`)
      .catch(() => ({ size: 0 }));
    return size > 0;
  });
  process.kill("SIGKILL");
  await process.exited;
  deepStrictEqual(await namesIn(folder), ["one.partial"]);
  // The next one takes its place, once the server has noticed.
  await eventually("another is taken", async () => {
    await backupDatabase(from.postgres, source, { path });
    return true;
  });
  deepStrictEqual(await namesIn(folder), ["one"]);
});

Deno.test("what is in the way of a backup and was left by none stays there", async (t) => {
  await using stage = await openBackupStage();
  const { from, source, folder } = stage;
  const partial = `${folder}/one.partial`;
  const precious = `${folder}/precious`;
  await Deno.mkdir(precious);
  await Deno.writeTextFile(`${precious}/letter`, "dear");
  const refused = async (name: string, make: () => Promise<void>) => {
    await t.step(name, async () => {
      await make();
      await failsAsBackup(
        backupDatabase(from.postgres, source, { path: `${folder}/one` }),
        "backup-failed",
        /one\.partial is in the way, and was left by no backup: move it/,
      );
      ok((await Deno.lstat(partial)) !== undefined);
      await Deno.rename(partial, `${folder}/${name}`);
    });
  };
  await refused("a folder", async () => {
    await Deno.mkdir(partial);
    await Deno.writeTextFile(`${partial}/letter`, "dear");
  });
  await refused("a file", () => Deno.writeTextFile(partial, "dear"));
  await refused("a link", () => Deno.symlink(precious, partial));
  strictEqual(await Deno.readTextFile(`${folder}/a folder/letter`), "dear");
  strictEqual(await Deno.readTextFile(`${precious}/letter`), "dear");
  await backupDatabase(from.postgres, source, { path: `${folder}/one` });
  deepStrictEqual((await namesIn(`${folder}/one`)).includes(".draft"), false);
});

Deno.test("one backup is taken at a time, and one that is stopped leaves nothing", async () => {
  await using stage = await openBackupStage();
  const { from, source, folder } = stage;
  const stop = new AbortController();
  const reason = new Error("enough");
  const begun = Promise.withResolvers<void>();
  const held = {
    ...source,
    facts: () => {
      begun.resolve();
      return new Promise<never>((_, reject) =>
        stop.signal.addEventListener("abort", () => reject(reason))
      );
    },
  };
  const stopped = rejects(
    backupDatabase(from.postgres, held, {
      path: `${folder}/one`,
      signal: stop.signal,
    }),
    reason,
  );
  await begun.promise;
  deepStrictEqual(await namesIn(folder), ["one.partial"]);
  await failsAsBackup(
    backupDatabase(from.postgres, source, { path: `${folder}/two` }),
    "backup-running",
    /another backup is under way/,
  );
  stop.abort(reason);
  await stopped;
  deepStrictEqual(await namesIn(folder), []);
});

/** A small disk, in a mount namespace that ends with its process. */
const SMALL_DISK = [
  "--user",
  "--map-root-user",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs -o size=1m none "$1" && shift && "$@"; ls -A "$0"',
];

async function mayMount(): Promise<boolean> {
  try {
    const folder = await Deno.makeTempDir();
    const { success } = await new Deno.Command("unshare", {
      args: [...SMALL_DISK, folder, folder, "true"],
      stderr: "null",
    }).output();
    await Deno.remove(folder);
    return success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "a backup that the disk has no room for leaves nothing",
  ignore: !await mayMount(),
  async fn() {
    await using stage = await openBackupStage();
    const { from, source, folder, server } = stage;
    await fillMuch(stage, 5_000);
    const small = `${folder}/small`;
    await Deno.mkdir(small);
    const command = [
      Deno.execPath(),
      ...["run", "-A", PROCESS, "backup", `${small}/one`],
      String(source.migrations),
    ];
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [...SMALL_DISK, small, small, ...command],
      env: { DATABASE_URL: server.url(), NO_COLOR: "1" },
    }).output();
    const [said, ...left] = new TextDecoder().decode(stdout).trim().split("\n");
    match(
      said ?? "",
      /^Cannot back up the database: \S+\/small\/one: No space left on device/,
      new TextDecoder().decode(stderr),
    );
    deepStrictEqual(left, []);
    // The connection is free again.
    const backup: Backup = await backupDatabase(from.postgres, source, {
      path: `${folder}/one`,
    });
    ok(backup.bytes > 1_000_000);
  },
});
