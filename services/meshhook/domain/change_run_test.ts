import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { InvalidInput } from "@mainstay/kernel/errors";
import { simulateRun } from "../tests/simulate_run.ts";
import { resumedRun } from "./change_run.ts";

Deno.test("a run is resumed only where something is to be done", () => {
  const run = simulateRun({
    nodes: [
      { id: "hook", type: "webhook" },
      { id: "check", type: "branch", expression: "`true`" },
      { id: "end", type: "terminate", outcome: "failed" },
      { id: "other", type: "transform", expression: "run.id" },
    ],
    edges: [
      { from: "hook", to: "check" },
      { from: "check", to: "end", when: true },
      { from: "check", to: "other", when: false },
    ],
  });
  const resume = (from: string) =>
    resumedRun(run, { from, by: "operator", nowMs: 0 });
  throws(() => resume("other"), InvalidInput);
  assertEquals(resume("end").tasks.map(({ node }) => node), ["end"]);
});
