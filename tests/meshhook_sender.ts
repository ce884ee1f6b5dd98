import { createHmac } from "node:crypto";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { parseWorkflow, secretUse } from "@mainstay/meshhook";
import type { MeshhookProcesses } from "./start_meshhook.ts";

const KEK = new Uint8Array(32).fill(9);
const SECRET = "it is a secret";

/** A project with a hook `github` for one workflow. */
export interface MeshhookSender {
  /** Makes a definition the version that runs. */
  publish(definition: unknown): Promise<void>;
  /** Sends a signed webhook and gives the run's id; any other answer than 2xx throws. */
  send(
    body: unknown,
    delivery?: string,
  ): Promise<{ readonly runId: string; readonly created: boolean }>;
  statusOf(runId: string): Promise<string | undefined>;
  eventsOf(runId: string): Promise<ReadonlyArray<Record<string, unknown>>>;
  /** How many runs have come to a status. */
  count(status: string): Promise<number>;
}

/** Makes the project in the database, with version 1 of its workflow. */
export async function meshhookSender(
  { url, postgres }: Pick<MeshhookProcesses, "url" | "postgres">,
  id: string,
  definition: unknown,
): Promise<MeshhookSender> {
  const encrypted = createKeyEncryption([KEK]).encrypt(
    new TextEncoder().encode(SECRET),
    secretUse(id, "webhook-secret"),
  );
  await postgres.query(
    `WITH project AS (
       INSERT INTO projects (id, name) VALUES ($1, $1) RETURNING id
     ), kept AS (
       INSERT INTO secrets (project_id, name, value_encrypted)
       SELECT id, 'webhook-secret', $2::bytea FROM project
     ), workflow AS (
       INSERT INTO workflows (project_id, name, draft)
       SELECT id, 'main', '{}' FROM project RETURNING id, project_id
     )
     INSERT INTO hooks (project_id, slug, workflow_id, signature)
     SELECT project_id, 'github', id,
       '{"scheme":"github","secrets":["webhook-secret"]}' FROM workflow`,
    [id, encrypted],
  );
  const project: MeshhookSender = {
    async publish(definition) {
      await postgres.query(
        `WITH published AS (
           UPDATE workflows
           SET published_version = coalesce(published_version, 0) + 1
           WHERE project_id = $1 RETURNING id, published_version
         )
         INSERT INTO workflow_versions
           (workflow_id, version, project_id, definition)
         SELECT id, published_version, $1, $2 FROM published`,
        [id, parseWorkflow(definition)],
      );
    },
    async send(body, delivery = crypto.randomUUID()) {
      const text = JSON.stringify(body);
      const signature = createHmac("sha256", SECRET).update(text).digest("hex");
      const response = await fetch(`${url}/hooks/${id}/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-github-delivery": delivery,
          "x-hub-signature-256": `sha256=${signature}`,
        },
        body: text,
      });
      const { runId } = await response.json();
      if (!response.ok) throw new Error(`The answer was ${response.status}`);
      return { runId, created: response.status === 202 };
    },
    async statusOf(runId) {
      const { rows } = await postgres.query<{ status: string }>(
        "SELECT status FROM runs WHERE id = $1",
        [runId],
      );
      return rows[0]?.status;
    },
    async eventsOf(runId) {
      const { rows } = await postgres.query<{ event: Record<string, unknown> }>(
        "SELECT event FROM run_events WHERE run_id = $1 ORDER BY seq",
        [runId],
      );
      return rows.map(({ event }) => event);
    },
    async count(status) {
      const { rows } = await postgres.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM runs
         WHERE project_id = $1 AND status = $2`,
        [id, status],
      );
      return rows[0]!.count;
    },
  };
  await project.publish(definition);
  return project;
}
