/**
 * What the images of MeshHook run, without an engine, as the users of PostgreSQL
 * that the deployment makes; see image.ts.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { globSync } from "node:fs";
import {
  eventually,
  freePort,
  startPostgres,
} from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { makeDatabaseUsers, refusals } from "./database_users.ts";
import { imageFile, makeImage } from "./image.ts";
import { openProject } from "./meshhook_project.ts";
import { metricsOfRules } from "./metrics_of_rules.ts";

const psql = await findTool("psql", "postgresql-client");

/** What each user is refused, and how: no right, or no role. */
const REFUSED = {
  meshhook_database_url: [
    "CREATE ROLE other",
    "ALTER ROLE meshhook_tenant BYPASSRLS",
    "SELECT pg_read_file('postgresql.conf')",
  ],
  meshhook_worker_database_url: [
    "CREATE TABLE other (id int)",
    "SET ROLE meshhook_user",
    "SET ROLE meshhook_tenant",
    "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
    "DELETE FROM schema_migrations",
    "TRUNCATE run_events",
  ],
};

Deno.test({
  name:
    "the images' commands run a workflow, unprivileged, read-only, as users of their own",
  ignore: psql === undefined,
  async fn(t) {
    await using server = await startPostgres();
    await using users = await makeDatabaseUsers("meshhook", {
      server,
      psql: psql!,
    });
    await using image = await makeImage("meshhook", { build: 0 });
    strictEqual(
      globSync("**/{*_test.ts,testing/**}", { cwd: image.app }).length,
      0,
      "tests are left out",
    );
    const called: string[] = [];
    await using target = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        called.push(await request.text());
        return Response.json({ got: true });
      },
    );
    const ports = { meshhook: freePort(), "meshhook-worker": freePort() };
    const kek = Deno.readTextFileSync(`${users.folder}/secrets/meshhook_kek`)
      .trim();
    await using running = new AsyncDisposableStack();
    const launch = (
      process: keyof typeof ports,
      secret: keyof typeof REFUSED,
    ) => {
      const child = image.command(imageFile("meshhook", process).entrypoint, {
        ...imageFile("meshhook", process).env,
        SERVICE_HOST: "127.0.0.1",
        SERVICE_PORT: String(ports[process]),
        ADMIN_PORT: "0",
        DRAIN_DELAY: "100ms",
        DATABASE_MAX_OPEN_CONNS: "5",
        DATABASE_URL: users.urlOf(secret),
        MESHHOOK_KEK: kek,
        BACKUP_DIR: ".mainstay/backups",
        TARGETS: `127.0.0.1:${target.addr.port}`,
      }).spawn();
      const output = Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      running.defer(async () => {
        end(child);
        await output;
      });
      return { process, child, output };
    };
    // Before the database is migrated: it waits, and migrates nothing.
    const worker = launch("meshhook-worker", "meshhook_worker_database_url");
    const api = launch("meshhook", "meshhook_database_url");
    const both = [worker, api];
    const url = `http://127.0.0.1:${ports.meshhook}`;
    const workerUrl = `http://127.0.0.1:${ports["meshhook-worker"]}`;
    const answers = async (address: string) => {
      const response = await fetch(address).catch(() => undefined);
      await response?.body?.cancel();
      return response?.ok ?? false;
    };
    await eventually(
      "both are ready, and all of MeshHook is well",
      async () =>
        await answers(`${url}/health/ready`) &&
        await answers(`${workerUrl}/readyz`) && await answers(`${url}/health`),
      30_000,
    )
      .catch(async (failure) => {
        for (const { child } of both) end(child);
        const said = await Promise.all(both.map(({ output }) => output));
        throw new Error(said.flat().join("\n"), { cause: failure });
      });
    ok(await answers(`${url}/health/live`));

    const project = await openProject(url, server.url("meshhook_db"));

    await t.step("a webhook runs an expression and a call", async () => {
      await project.publish(`http://127.0.0.1:${target.addr.port}/`);
      await project.succeeds(await project.deliver('{"n":[1,2]}'));
      strictEqual(called.join(), "3");
    });

    await t.step("the executor has none of the worker's secrets", async () => {
      const children = await Deno.readTextFile(
        `/proc/${worker.child.pid}/task/${worker.child.pid}/children`,
      );
      const [pid = ""] = children.trim().split(" ");
      const environment = await Deno.readTextFile(`/proc/${pid}/environ`);
      strictEqual(environment.replaceAll("\0", ""), "NO_COLOR=1");
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
      match(command, /executor\/main\.ts/);
      ok(!/--allow-(?:read|env|run|write|sys|ffi|all)|-A\0/.test(command));
    });

    await t.step("what is not its own, a user is refused", async () => {
      for (const [secret, statements] of Object.entries(REFUSED)) {
        const codes = await refusals(users.urlOf(secret), statements);
        for (const [index, statement] of statements.entries()) {
          strictEqual(codes[index], "42501", `${secret}: ${statement}`);
        }
      }
    });

    await t.step("its alerts are on metrics that it has", async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const name of metricsOfRules("meshhook")) {
        ok(metrics.includes(`# TYPE ${name} `), `${name} is among the metrics`);
      }
    });

    await t.step(
      "SIGTERM ends them, with nothing on standard error",
      async () => {
        for (const { process, child, output } of both) {
          if (image.asNobody) {
            const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
            ok(/^Uid:\s+65534\s/m.test(status), `${process} runs as nobody`);
          }
          child.kill("SIGTERM");
          strictEqual((await child.status).code, 0, process);
          strictEqual((await output)[1], "");
        }
      },
    );
  },
});

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
