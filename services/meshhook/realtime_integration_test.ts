import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import { addKey, liveClient, liveTest } from "./tests/live_client.ts";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";

const SECRET = "it is a secret";

/** A workflow of some steps that each take a moment. */
function steps(count: number, delayMs: number) {
  const names = Array.from({ length: count }, (_, at) => `step_${at}`);
  return {
    nodes: [
      { id: "hook", type: "webhook" },
      ...names.map((id) => ({ id, type: "delay", delayMs })),
    ],
    edges: names.map((to, at) => ({ from: names[at - 1] ?? "hook", to })),
  };
}

async function openProject(
  meshhook: StartedMeshhook,
  id: string,
  definition: unknown,
): Promise<void> {
  await meshhook.project(id, definition, { "webhook-secret": SECRET });
  await addKey(meshhook, id, `key-of-${id}`);
}

async function begin(
  { url }: Pick<StartedMeshhook, "url">,
  project = "alpha",
  body = "{}",
): Promise<string> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const answer = await fetch(`${url}/hooks/${project}/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body,
  });
  strictEqual(answer.status, 202);
  return (await answer.json()).runId;
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

liveTest(
  "a stock client follows a run as it happens, whichever version it speaks",
  async () => {
    await using meshhook = await startMeshhook();
    await openProject(meshhook, "alpha", steps(5, 100));
    const runId = await begin(meshhook);
    for (const vsn of ["1.0.0", "2.0.0"]) {
      await using live = liveClient(meshhook.url, "key-of-alpha", { vsn });
      live.follow("events", `run_id=eq.${runId}`, "INSERT");
      live.follow("runs", undefined, "UPDATE");
      await eventually("it has subscribed", () => live.statuses.length === 2);
      const second = await begin(meshhook);
      await eventually(
        `the run's end is told in ${vsn}`,
        () => live.seqs(runId).length === 7,
      );
      assertEquals(live.seqs(runId), upTo(7));
      await eventually(
        "the other's is, too",
        () =>
          live.changes.some(({ table, new: row }) =>
            table === "runs" && row.id === second && row.status === "succeeded"
          ),
      );
      const first = live.changes.find(({ new: row }) => row.seq === 2);
      const { commit_timestamp, ...rest } = first;
      match(commit_timestamp, /^\d{4}-\d\d-\d\dT.*Z$/);
      assertEquals(rest, {
        schema: "public",
        table: "events",
        eventType: "INSERT",
        new: {
          run_id: runId,
          seq: 2,
          at: rest.new.at,
          type: "step.succeeded",
          node: "step_0",
          event: rest.new.event,
        },
        old: {},
        errors: null,
      });
      assertEquals(rest.new.event.node, "step_0");
      assertEquals(live.statuses, ["SUBSCRIBED", "SUBSCRIBED"]);
    }
  },
);
