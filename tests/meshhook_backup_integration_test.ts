/**
 * MeshHook by the commands of its tasks, as the users of PostgreSQL that the
 * deployment makes, and `mainstay meshhook backup` and `restore` as their owner.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  freePort,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { openTestPostgres } from "../adapters/postgres/tests/open_test_postgres.ts";
import { makeDatabaseUsers } from "./database_users.ts";
import { openProject } from "./meshhook_project.ts";
import { taskCommand } from "./task_command.ts";

const psql = await findTool("psql", "postgresql-client");

Deno.test({
  name:
    "MeshHook is backed up while it works, and restored by its owner to go on from there",
  ignore: psql === undefined,
  async fn(t) {
    await using server = await startPostgres();
    await using users = await makeDatabaseUsers("meshhook", {
      server,
      psql: psql!,
    });
    const called: string[] = [];
    await using target = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        called.push(await request.text());
        return Response.json({});
      },
    );
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const backups = `${users.folder}/backups`;
    const MESHHOOK_KEK = Deno.readTextFileSync(
      `${users.folder}/secrets/meshhook_kek`,
    ).trim();
    const ownerUrl = users.urlOf("meshhook_database_url");
    const env = {
      ENVIRONMENT: "test",
      LOG_FORMAT: "json",
      ADMIN_PORT: "0",
      DRAIN_DELAY: "0",
      DATABASE_MAX_OPEN_CONNS: "5",
      MESHHOOK_KEK,
    };
    const start = async () => {
      await using started = new AsyncDisposableStack();
      const worker = started.use(
        await startProcess(taskCommand("service:meshhook-worker"), {
          env: {
            ...env,
            SERVICE_PORT: "0",
            DATABASE_URL: users.urlOf("meshhook_worker_database_url"),
            TARGETS: `127.0.0.1:${target.addr.port}`,
          },
        }),
      );
      const api = started.use(
        await startProcess(taskCommand("service:meshhook"), {
          env: { ...env, SERVICE_PORT: String(port), DATABASE_URL: ownerUrl },
        }),
      );
      await api.waitForReady(`${url}/health`, 60_000);
      const owned = started.move();
      return { worker, api, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    };
    const mainstay = async (
      args: string[],
      given: object = { MESHHOOK_KEK },
    ) => {
      await using command = await startProcess(
        ["run", "-A", "cli/main.ts", "meshhook", ...args, "--json"],
        { env: { DATABASE_URL: ownerUrl, MESHHOOK_KEK: "", ...given } },
      );
      const code = await command.exited;
      return { code, out: await command.stdout(), err: await command.stderr() };
    };
    const rows = async () => {
      await using superuser = openTestPostgres(server.url("meshhook_db"));
      const { rows } = await superuser.postgres.query(
        `SELECT run_id, seq, event FROM run_events ORDER BY run_id, seq`,
      );
      return rows;
    };
    const targetUrl = `http://127.0.0.1:${target.addr.port}/`;
    let project: Awaited<ReturnType<typeof openProject>>;
    const restores = async () => {
      await using superuser = openTestPostgres(server.url("meshhook_db"));
      const { rows } = await superuser.postgres.query<
        { project_id: string; actor: string; subject: string }
      >(
        `SELECT project_id, actor, subject FROM audit_entries
         WHERE action = 'database.restored'
           AND id > ALL (SELECT id FROM audit_entries
             WHERE action <> 'database.restored')
         ORDER BY project_id`,
      );
      return rows;
    };
    let before: unknown[] = [];
    let takenAt = "";

    await t.step(
      "a backup holds every project, and names its keys",
      async () => {
        await using running = await start();
        project = await openProject(url, server.url("meshhook_db"));
        await project.publish(targetUrl);
        await project.succeeds(await project.deliver('{"n":[1]}'));
        before = await rows();
        const made = await mainstay(["backup", `${backups}-first`]);
        strictEqual(made.code, 0, made.err);
        const said = JSON.parse(made.out);
        takenAt = said.createdAt;
        ok(said.rows > before.length);
        match(said.keyEncryptionKeys.join(), /^[0-9a-f]{16}$/);
        match(made.err, /SECRETS OF ALL PROJECTS ARE LOST/);
        await project.succeeds(await project.deliver('{"n":[2,3]}'));
        strictEqual(called.join(), "1,5");
        for (const process of [running.api, running.worker]) {
          ok(!/permission denied|NotCapable/.test(await process.stdout()));
        }
      },
    );

    await t.step(
      "it is restored over what came later, with its keys alone",
      async () => {
        const path = `${backups}-first`;
        const keyless = await mainstay(["restore", "--clean", path], {});
        strictEqual(keyless.code, 1);
        match(keyless.err, /MESHHOOK_KEK lacks [0-9a-f]{16}/);
        const careful = await mainstay(["restore", path]);
        strictEqual(careful.code, 1);
        match(careful.err, /it holds rows/);
        ok((await rows()).length > before.length, "nothing was changed");
        const restored = await mainstay(["restore", "--clean", path]);
        strictEqual(restored.code, 0, restored.err);
        deepStrictEqual(await rows(), before);
        match(restored.err, /What was taken back .* is good again/);
        const [ofNone, ofProject, ...more] = await restores();
        deepStrictEqual(more, []);
        deepStrictEqual([ofNone?.project_id, ofProject?.subject], [
          "",
          `backup of ${takenAt}`,
        ]);
        match(ofProject?.actor ?? "", /^operator:./);
        const verified = await mainstay(["verify"]);
        strictEqual(verified.code, 0, verified.out + verified.err);
      },
    );

    await t.step(
      "server and workers go on, with the rights that they had",
      async () => {
        await using _running = await start();
        await project.succeeds(await project.deliver('{"n":[4,5]}'));
        strictEqual(called.join(), "1,5,9");
      },
    );
  },
});
