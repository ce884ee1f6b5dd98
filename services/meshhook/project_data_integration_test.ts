import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel, systemClock } from "@mainstay/kernel/lifecycle";
import { encryptedAnew, meshhookSettings } from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";
import { SignJWT } from "jose";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";
import { upkeepJobs } from "./worker/upkeep_jobs.ts";

const OLD = "the first secret, of more than 32 bytes";
const NEW = "the second secret, of more than 32 bytes";

const definition = {
  nodes: [{ id: "hook", type: "webhook" }, {
    id: "shape",
    type: "transform",
    expression: "trigger.body",
  }],
  edges: [{ from: "hook", to: "shape" }],
};

async function openProject(meshhook: StartedMeshhook, id: string) {
  await meshhook.project(id, definition, { "webhook-secret": OLD });
  await meshhook.postgres.query(
    "INSERT INTO api_keys (key_hash, project_id, name) VALUES ($1, $2, 'ci')",
    [hash("sha256", `key-of-${id}`, "buffer"), id],
  );
  return (method: string, path: string, body?: unknown) =>
    fetch(`${meshhook.url}/api/v1/projects/${id}${path}`, {
      method,
      headers: {
        authorization: `Bearer key-of-${id}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** @returns The status, and what was answered. */
async function send(
  { url }: StartedMeshhook,
  project: string,
  headers: Record<string, string>,
  body = "{}",
) {
  const response = await fetch(`${url}/hooks/${project}/github`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: await response.json(),
  };
}

const signed = (secret: string, body = "{}") => ({
  "x-hub-signature-256": `sha256=${
    createHmac("sha256", secret).update(body).digest("hex")
  }`,
});

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

/** What workers keep, with the keys given. */
function openStorage({ server }: StartedMeshhook) {
  const kernel = createKernel({
    identity: { name: "test", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json" },
  });
  const storage = postgresDatabase.open(
    kernel,
    readConfig(meshhookSettings, {
      args: [],
      env: {
        DATABASE_URL: server.url(),
        DATABASE_MAX_IDLE_CONNS: "0",
        MESHHOOK_KEK: new Uint8Array(32).toBase64(),
      },
    }),
  );
  return {
    ...storage,
    kernel,
    async [Symbol.asyncDispose]() {
      for (const part of storage.parts) await part.stop?.();
    },
  };
}

/** Runs what a worker does unasked, until it is disposed. */
function startUpkeep(
  { kernel, upkeep, projects }: ReturnType<typeof openStorage>,
  encryption = createKeyEncryption([new Uint8Array(32).fill(9)]),
): AsyncDisposable {
  const jobs = upkeepJobs(kernel, {
    store: upkeep,
    projects,
    encryption,
    clock: systemClock,
  });
  for (const job of jobs) job.start?.(new AbortController().signal);
  return {
    async [Symbol.asyncDispose]() {
      for (const job of jobs) {
        await job.drain?.(new AbortController().signal);
        await job.stop?.();
      }
    },
  };
}

Deno.test("webhooks of a project are taken by JWT once, by the old secret for a day, and as many as it may get", async () => {
  await using meshhook = await startMeshhook();
  const { postgres } = meshhook;
  const ask = await openProject(meshhook, "alpha");
  const statusBy = async (secret: string) =>
    (await send(meshhook, "alpha", signed(secret))).status;
  strictEqual(
    await statusOf(ask("PUT", "/secrets/webhook-secret", { value: NEW })),
    200,
  );
  assertEquals([await statusBy(NEW), await statusBy(OLD)], [202, 202]);
  await postgres.query(
    "UPDATE secrets SET previous_until = now() - interval '1 s'",
  );
  assertEquals([await statusBy(NEW), await statusBy(OLD)], [202, 401]);

  const signature = {
    scheme: "jwt",
    algorithm: "HS256",
    issuer: "https://sender.example",
    audience: "meshhook",
    secrets: ["webhook-secret"],
  };
  strictEqual(
    await statusOf(
      ask("PUT", "/hooks/github", { workflow: "main", signature }),
    ),
    200,
  );
  const token = await new SignJWT({
    payload_hash: hash("sha256", "{}", "hex"),
    jti: "d-1",
  }).setProtectedHeader({ alg: "HS256" }).setIssuer(signature.issuer)
    .setAudience(signature.audience).setIssuedAt().setExpirationTime("1m")
    .sign(new TextEncoder().encode(NEW));
  const authorization = `Bearer ${token}`;
  const first = await send(meshhook, "alpha", { authorization });
  const again = await send(meshhook, "alpha", { authorization });
  const other = await send(meshhook, "alpha", { authorization }, "[]");
  assertEquals([first.status, again.status, other.status], [202, 200, 401]);
  strictEqual(again.body.runId, first.body.runId);
  const { rows } = await postgres.query<{ event: unknown }>(
    "SELECT event FROM run_events WHERE run_id = $1",
    [first.body.runId],
  );
  ok(!JSON.stringify(rows).includes(token));
  const badKey = await ask("PUT", "/hooks/github", {
    workflow: "main",
    signature: {
      ...signature,
      algorithm: "EdDSA",
      secrets: undefined,
      keys: [{ kty: "OKP", crv: "Ed25519", x: "short" }],
    },
  });
  strictEqual(badKey.status, 400);
  strictEqual((await badKey.json()).errors[0].pointer, "/signature/keys/0");

  await postgres.query("UPDATE projects SET webhooks_per_minute = 2");
  const sent = [
    await send(meshhook, "alpha", { authorization }),
    await send(meshhook, "alpha", { authorization }),
    await send(meshhook, "alpha", {}),
    await send(meshhook, "alpha", { authorization }),
  ];
  assertEquals(sent.map(({ status }) => status), [200, 200, 401, 429]);
  const seconds = Number(sent[3]?.headers.get("retry-after"));
  ok(seconds > 0 && seconds <= 30, `${seconds}`);
});

Deno.test("a project is taken out whole without its secrets, keeps runs as long as it says, and is erased with all its rows", async () => {
  await using meshhook = await startMeshhook();
  await using storage = openStorage(meshhook);
  const { postgres } = meshhook;
  const [alpha, beta] = [
    await openProject(meshhook, "alpha"),
    await openProject(meshhook, "beta"),
  ];
  const runs: string[] = [];
  for (const project of ["alpha", "alpha", "alpha", "beta"]) {
    const { body } = await send(meshhook, project, {
      ...signed(OLD),
      "x-github-delivery": crypto.randomUUID(),
    });
    runs.push(body.runId);
  }
  await eventually("all have ended", async () => {
    const { rows } = await postgres.query(
      "SELECT FROM runs WHERE status = 'succeeded'",
    );
    return rows.length === 4;
  });
  const response = await alpha("GET", "/export");
  const text = await response.text();
  ok(!text.includes(OLD) && !text.includes("value_encrypted"));
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    Object.entries(Object.groupBy(lines, ({ kind }) => kind))
      .map(([kind, list]) => [kind, list?.length]),
    [["workflow", 1], ["version", 1], ["hook", 1], ["run", 3], ["event", 9]],
  );
  ok(lines.every((line) => line.id !== runs[3] && line.runId !== runs[3]));

  // One run is older than it is kept; a step's dead letter goes with its run.
  await postgres.query(
    `UPDATE runs SET ended_at = now() - interval '31 days' WHERE id = ANY ($1)`,
    [runs.slice(0, 1)],
  );
  await postgres.query(
    "UPDATE deliveries SET received_at = now() - interval '31 days' WHERE run_id = $1",
    [runs[0]],
  );
  const remove = async (limit: number) => [
    await storage.upkeep.removeOld("runs", limit),
    await storage.upkeep.removeOld("deliveries", limit),
  ];
  assertEquals(await remove(10), [1, 1]);
  await postgres.query("UPDATE projects SET retention = '1 hour'");
  await postgres.query("UPDATE runs SET ended_at = now() - interval '2 hours'");
  assertEquals([await remove(2), await remove(2)], [[2, 0], [1, 0]]);
  const left = async (table: string, project: string) => {
    const { rows } = await postgres.query<{ count: number }>(
      `SELECT count(*)::int FROM ${table} WHERE project_id = $1`,
      [project],
    );
    return rows[0]?.count;
  };
  assertEquals(
    [await left("runs", "alpha"), await left("run_events", "alpha")],
    [0, 0],
  );
  assertEquals(
    await (await alpha("GET", "/audit?limit=1")).json(),
    { entries: [] },
    "what steps and senders do without a secret's value is not on record",
  );

  await send(meshhook, "alpha", signed(OLD));
  strictEqual(await statusOf(alpha("DELETE", "")), 202);
  strictEqual(await statusOf(alpha("GET", "/workflows")), 401);
  strictEqual((await send(meshhook, "alpha", signed(OLD))).status, 404);
  assertEquals(await storage.upkeep.listErased(), ["alpha"]);
  let steps = 0;
  while (!await storage.upkeep.erase("alpha", 1)) steps++;
  ok(steps >= 3, "it takes a batch at a time");
  const { rows: tables } = await postgres.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'project_id'`,
  );
  ok(tables.length > 10);
  for (const { name } of tables) {
    strictEqual(await left(name, "alpha"), 0, name);
  }
  const { rows: record } = await postgres.query(
    "SELECT actor, action, subject FROM audit_entries WHERE project_id = '' ORDER BY id",
  );
  assertEquals(record, [
    { actor: "key:ci", action: "project.erasure-begun", subject: "alpha" },
    { actor: "system", action: "project.erased", subject: "alpha" },
  ]);
  strictEqual(await statusOf(beta("GET", "/workflows")), 200);
  strictEqual(await left("hooks", "beta"), 1);

  strictEqual(await statusOf(beta("DELETE", "")), 202);
  await using _jobs = startUpkeep(storage);
  await eventually("the workers erase it, too", async () => {
    const { rows } = await postgres.query("SELECT FROM projects");
    return rows.length === 0;
  });
});

Deno.test("a key-encryption key is replaced: every secret comes under the new one, and the old one is needed no more", async () => {
  await using meshhook = await startMeshhook();
  await using storage = openStorage(meshhook);
  const ask = await openProject(meshhook, "alpha");
  await statusOf(ask("PUT", "/secrets/webhook-secret", { value: NEW }));
  await statusOf(ask("PUT", "/secrets/other", { value: "other" }));
  const [old, current] = [
    new Uint8Array(32).fill(9),
    new Uint8Array(32).fill(8),
  ];
  const both = createKeyEncryption([current, old]);
  {
    await using _jobs = startUpkeep(storage, both);
    await eventually("none is under the old key", async () => {
      const { rows } = await meshhook.postgres.query(
        `SELECT FROM secrets
         WHERE encode(substring(value_encrypted, 1, 8), 'hex') <> $1`,
        [both.currentId],
      );
      return rows.length === 0;
    });
  }
  strictEqual(await storage.projects.encryptAnew(encryptedAnew(both)), 0);
  const alone = createKeyEncryption([current]);
  const found = await storage.hooks.find("alpha", "github");
  assertEquals(
    found?.secrets.map(({ name, encrypted }) =>
      new TextDecoder().decode(
        alone.decrypt(encrypted, `meshhook-secret:alpha:${name}`),
      )
    ),
    [NEW, OLD],
  );
});

Deno.test("a project's role changes neither what happened, nor the record, nor who has keys", async () => {
  await using meshhook = await startMeshhook();
  await openProject(meshhook, "alpha");
  for (
    const statement of [
      "UPDATE projects SET max_concurrency = 1000",
      "DELETE FROM projects",
      "INSERT INTO api_keys (key_hash, project_id, name) VALUES ('x', 'alpha', 'x')",
      "DELETE FROM run_events",
      "DELETE FROM audit_entries",
      "UPDATE audit_entries SET actor = 'someone'",
      "DELETE FROM workflow_versions",
      "SELECT FROM host_holds",
      "SELECT claim_tasks(gen_random_uuid(), 1, 1)",
    ]
  ) {
    const refused = await meshhook.postgres.transaction(async (transaction) => {
      await transaction.query("SET LOCAL ROLE meshhook_tenant");
      await transaction.query(
        "SELECT set_config('meshhook.project', 'alpha', true)",
      );
      await transaction.query(statement);
      throw new Error("It was allowed");
    }).then(() => "", (failure) => String(failure.cause ?? failure));
    ok(/permission denied/.test(refused), `${statement}: ${refused}`);
  }
});
