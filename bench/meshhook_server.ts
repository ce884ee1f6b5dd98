/**
 * MeshHook's server, ready to take in webhooks.
 *
 * @module
 */
import { createHmac } from "node:crypto";
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

/** Signed webhooks, each another delivery, taken in by one process. */
export async function intakeOf(
  stack: AsyncDisposableStack,
  databaseUrl: string,
): Promise<Contender> {
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
  await process.waitForReady(`http://127.0.0.1:${port}/health/ready`);
  await openHook(databaseUrl);
  const wrk = await findTool("wrk");
  if (wrk === undefined) throw new Error("Cannot measure: no wrk");
  const signature = createHmac("sha256", SECRET).update(BODY).digest("hex");
  return servedBy("intake: mainstay", [process.pid], () =>
    runWrk(wrk, {
      url: `http://127.0.0.1:${port}/hooks/bench/github`,
      connections: 32,
      seconds: 2,
      body: BODY,
      headers: { "X-Hub-Signature-256": `sha256=${signature}` },
      uniqueHeader: "X-GitHub-Delivery",
    }));
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
    [JSON.stringify(definition), secret],
  );
  await client.end();
}
