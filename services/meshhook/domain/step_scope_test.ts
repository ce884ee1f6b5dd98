import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { simulateRun } from "../tests/simulate_run.ts";
import { stepScope } from "./step_scope.ts";

Deno.test("stepScope() shows what leads to a step, and nothing that ran beside it", () => {
  const transform = (id: string) => ({
    id,
    type: "transform",
    expression: `'${id}'`,
  });
  const run = simulateRun({
    nodes: [
      { id: "hook", type: "webhook" },
      ...["left", "right", "next"].map(transform),
    ],
    edges: [
      { from: "hook", to: "left" },
      { from: "hook", to: "right" },
      { from: "left", to: "next" },
    ],
  }, { body: 7 });
  assertEquals(stepScope(run, "next").steps, {
    hook: { output: 7 },
    left: { output: "left" },
  });
  assertEquals(stepScope(run, "right").steps, { hook: { output: 7 } });
});
