/**
 * MeshHook's server, ready to take in webhooks.
 *
 * @module
 */
import { createHmac, hash } from "node:crypto";
import { RealtimeClient } from "@supabase/realtime-js";
import pg from "pg";
import { freePort, startProcess } from "@mainstay/adapters/testing";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { findTool } from "@mainstay/tools/local_stack";
import { secretUse } from "../services/meshhook/domain/hook.ts";
import { servedBy } from "./child_program.ts";
import type { Contender } from "./measurement.ts";
import { runWrk } from "./wrk.ts";

const KEK = new Uint8Array(32).fill(9);
const SECRET = "it is a secret";
const BODY = JSON.stringify({ action: "opened", number: 7, title: "A title" });

const HOOK = "/hooks/bench/github";
const SIGNED = {
  "X-Hub-Signature-256": `sha256=${
    createHmac("sha256", SECRET).update(BODY).digest("hex")
  }`,
};
const KEY = "a key";
const FOLLOWED = 200;

/** What the server does without a worker: takes in webhooks, and tells of runs. */
export async function serverContenders(
  stack: AsyncDisposableStack,
  databaseUrl: string,
): Promise<readonly Contender[]> {
  const port = freePort();
  const process = stack.use(
    await startProcess(["run", "-A", "services/meshhook/main.ts"], {
      env: {
        DATABASE_URL: databaseUrl,
        MESHHOOK_KEK: KEK.toBase64(),
        SERVICE_PORT: String(port),
        ADMIN_PORT: String(freePort()),
        LOG_LEVEL: "WARN",
        RATE_LIMIT: "0",
        WEBHOOK_RATE_LIMIT: "0",
        DRAIN_DELAY: "0",
      },
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  await process.waitForReady(`${url}/health/ready`);
  await openHook(databaseUrl);
  const wrk = await findTool("wrk");
  if (wrk === undefined) throw new Error("Cannot measure: no wrk");
  return [
    servedBy("intake: mainstay", [process.pid], () =>
      runWrk(wrk, {
        url: `${url}${HOOK}`,
        connections: 32,
        seconds: 2,
        body: BODY,
        headers: SIGNED,
        uniqueHeader: "X-GitHub-Delivery",
      })),
    servedBy("live log: mainstay", [process.pid], await followed(url)),
  ];
}

/**
 * Webhooks one after the other, each until a stock client is told of its run's
 * first event. (One that is told before it has the answer counts as 0.)
 */
async function followed(url: string) {
  const client = new RealtimeClient(`${url}/realtime/v1`, {
    params: { apikey: KEY },
  });
  const toldMs = new Map<string, number>();
  let told = () => {};
  await new Promise<void>((resolve, reject) =>
    client.channel("bench").on(
      "postgres_changes",
      { event: "INSERT", schema: "public", table: "events" },
      ({ new: { run_id } }) => {
        toldMs.set(run_id, performance.now());
        told();
      },
    ).subscribe((status, error) => {
      if (status === "SUBSCRIBED") resolve();
      if (error) reject(error);
    })
  );
  return async () => {
    const latenciesMs: number[] = [];
    const startedMs = performance.now();
    for (let sent = 0; sent < FOLLOWED; sent++) {
      const response = await fetch(`${url}${HOOK}`, {
        method: "POST",
        headers: {
          ...SIGNED,
          "content-type": "application/json",
          "x-github-delivery": crypto.randomUUID(),
        },
        body: BODY,
      });
      const { runId } = await response.json();
      const answeredMs = performance.now();
      while (!toldMs.has(runId)) {
        await new Promise<void>((resolve) => told = resolve);
      }
      latenciesMs.push(Math.max(0, toldMs.get(runId)! - answeredMs));
    }
    const elapsedMs = performance.now() - startedMs;
    latenciesMs.sort((a, b) => a - b);
    return {
      operations: FOLLOWED,
      rate: FOLLOWED / elapsedMs * 1_000,
      p50Ms: latenciesMs[FOLLOWED / 2]!,
      p99Ms: latenciesMs[Math.floor(FOLLOWED * 0.99)]!,
    };
  };
}

/** A project with a hook that GitHub's signature opens, for a workflow of three steps. */
async function openHook(databaseUrl: string): Promise<void> {
  const ids = ["step1", "step2", "step3"];
  const definition = {
    nodes: [
      { id: "hook", type: "webhook" },
      ...ids.map((id) => ({ id, type: "transform", expression: "run.id" })),
    ],
    edges: ids.map((to, at) => ({ from: ["hook", ...ids][at], to })),
  };
  const secret = createKeyEncryption([KEK]).encrypt(
    new TextEncoder().encode(SECRET),
    secretUse("bench", "webhook-secret"),
  );
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    `WITH project AS (
       INSERT INTO projects (id, name) VALUES ('bench', 'Bench') RETURNING id
     ), key AS (
       INSERT INTO api_keys (key_hash, project_id, name)
       SELECT $3::bytea, id, 'bench' FROM project
     ), kept AS (
       INSERT INTO secrets (project_id, name, value_encrypted)
       SELECT id, 'webhook-secret', $2::bytea FROM project
     ), workflow AS (
       INSERT INTO workflows (project_id, name, draft, published_version)
       SELECT id, 'bench', $1::jsonb, 1 FROM project RETURNING id, project_id
     ), version AS (
       INSERT INTO workflow_versions (workflow_id, version, project_id, definition)
       SELECT id, 1, project_id, $1::jsonb FROM workflow
     )
     INSERT INTO hooks (project_id, slug, workflow_id, signature)
     SELECT project_id, 'github', id,
       '{"scheme":"github","secrets":["webhook-secret"]}' FROM workflow`,
    [JSON.stringify(definition), secret, hash("sha256", KEY, "buffer")],
  );
  await client.end();
}
