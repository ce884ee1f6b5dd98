import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { OperationalError } from "@mainstay/kernel/errors";
import type { Completion } from "../domain/task.ts";
import { completionBatch } from "./completion_batch.ts";

const completion = (node: string): Completion => ({
  fence: { runId: "run", node, workerId: "worker", attempt: 1 },
  projectId: "alpha",
  lastSeq: 1,
  events: [],
  status: "running",
  tasks: [],
});

/** What becomes of three, of which the last two are written together. */
async function outcomesOf(failure: Error) {
  let writes = 0;
  const complete = completionBatch((batch) => {
    writes++;
    return batch.some(({ fence }) => fence.node === "bad")
      ? Promise.reject(failure)
      : Promise.resolve(batch.map(() => "written"));
  });
  const settled = await Promise.allSettled(
    ["first", "bad", "good"].map((node) => complete(completion(node))),
  );
  return { writes, outcomes: settled.map(({ status }) => status) };
}

Deno.test("a completion that cannot be written keeps no other from it", async () => {
  assertEquals(await outcomesOf(new Error("invalid input syntax")), {
    writes: 4,
    outcomes: ["fulfilled", "rejected", "fulfilled"],
  });
});

Deno.test("a database that is away is not asked for each of a batch", async () => {
  const failure = new OperationalError("database-unavailable", "It is away");
  assertEquals(await outcomesOf(failure), {
    writes: 2,
    outcomes: ["fulfilled", "rejected", "rejected"],
  });
});
