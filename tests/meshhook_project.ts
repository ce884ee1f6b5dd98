import { ok } from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import { openTestPostgres } from "../adapters/postgres/tests/open_test_postgres.ts";

const SECRET = "it is a webhook's secret";
const KEY = "mainstay_a-key-of-the-project";

/** A project of a MeshHook that runs, as one who uses it sees it. */
export interface MeshhookProject {
  /** Publishes a workflow that sums numbers and sends the sum, and opens a hook for it. */
  publish(target: string): Promise<void>;
  /** Sends a signed webhook; gives the run's id. */
  deliver(body: string): Promise<string>;
  /** Waits until a run has succeeded. */
  succeeds(runId: string): Promise<void>;
}

/**
 * Makes the project `a`.
 *
 * @param url Of the server.
 * @param databaseUrl A superuser's.
 */
export async function openProject(
  url: string,
  databaseUrl: string,
): Promise<MeshhookProject> {
  await using superuser = openTestPostgres(databaseUrl);
  await superuser.postgres.query(
    "INSERT INTO projects (id, name) VALUES ('a', 'A')",
  );
  await superuser.postgres.query(
    "INSERT INTO api_keys (key_hash, project_id, name) VALUES ($1, 'a', 'first')",
    [hash("sha256", KEY, "buffer")],
  );
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/v1/projects/a/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    ok(response.ok, `${path}: ${text}`);
    return JSON.parse(text);
  };
  return {
    async publish(target) {
      await ask("PUT", "secrets/webhook", { value: SECRET });
      await ask("PUT", "workflows/orders", {
        nodes: [
          { id: "hook", type: "webhook" },
          { id: "sum", type: "transform", expression: "sum(trigger.body.n)" },
          {
            id: "call",
            type: "http_call",
            url: target,
            body: { $expression: "steps.sum.output" },
          },
        ],
        edges: [{ from: "hook", to: "sum" }, { from: "sum", to: "call" }],
      });
      await ask("POST", "workflows/orders/publish");
      await ask("PUT", "hooks/github", {
        workflow: "orders",
        signature: { scheme: "github", secrets: ["webhook"] },
      });
    },
    async deliver(body) {
      const signature = createHmac("sha256", SECRET).update(body).digest("hex");
      const response = await fetch(`${url}/hooks/a/github`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-github-delivery": crypto.randomUUID(),
          "x-hub-signature-256": `sha256=${signature}`,
        },
        body,
      });
      return String((await response.json()).runId);
    },
    succeeds: (runId) =>
      eventually(
        "the run has succeeded",
        async () => (await ask("GET", `runs/${runId}`)).status === "succeeded",
        20_000,
      ),
  };
}
