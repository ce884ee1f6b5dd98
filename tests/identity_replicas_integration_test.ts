import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { startPostgres } from "@mainstay/adapters/testing";
import { openPostgres, postgresSettings } from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { startIdentityProcess } from "./identity_process.ts";

Deno.test("three replicas that start at once on an empty database migrate once", async () => {
  await using server = await startPostgres();
  await using started = new AsyncDisposableStack();
  const replicas = await Promise.all(
    [1, 2, 3].map(async () =>
      started.use(
        await startIdentityProcess("authz", { DATABASE_URL: server.url() }),
      )
    ),
  );

  const { log, metrics, container } = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const config = readConfig(postgresSettings, {
    args: [],
    env: { DATABASE_URL: server.url(), DATABASE_MAX_IDLE_CONNS: "0" },
  });
  await using postgres = openPostgres(config, { log, metrics, name: "test" });
  const { rows: applied } = await postgres.query<{ name: string }>(
    "SELECT name FROM schema_migrations ORDER BY version",
  );
  const lines = (await Promise.all(replicas.map(({ stdout }) => stdout())))
    .join("\n").split("\n");
  const said = lines.flatMap((line) =>
    /Migration (\S+) applied/.exec(line)?.[1] ?? []
  );
  assertEquals(said.toSorted(), applied.map(({ name }) => name));
  const { rows: keys } = await postgres.query<{ alg: string }>(
    "SELECT alg FROM signing_keys ORDER BY alg",
  );
  assertEquals(keys.map(({ alg }) => alg), ["EdDSA", "RS256"]);
  const kids = await Promise.all(replicas.map(async ({ url }) => {
    const response = await fetch(`${url}/oauth2/v1/jwks`);
    const { keys } = await response.json() as { keys: { kid: string }[] };
    return keys.map(({ kid }) => kid).toSorted().join(" ");
  }));
  strictEqual(new Set(kids).size, 1, "all of them have the same keys");
  await container.dispose();
});
