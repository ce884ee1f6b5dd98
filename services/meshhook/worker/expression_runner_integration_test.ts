import {
  deepStrictEqual as assertEquals,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import type { Scope } from "../domain/expression.ts";
import { expressionRunner } from "./expression_runner.ts";

const scope: Scope = {
  trigger: { body: { items: [{ n: 1 }, { n: 2 }] }, headers: {} },
  steps: {},
  run: { id: "r" },
};

async function withRunner(
  work: (runner: ReturnType<typeof expressionRunner>) => Promise<void>,
): Promise<void> {
  const runner = expressionRunner({ timeoutMs: 300 });
  try {
    await work(runner);
  } finally {
    await runner.stop?.();
  }
}

Deno.test("expressions give their values in order, and their mistakes", () =>
  withRunner(async (runner) => {
    const values = await Promise.all([
      runner.evaluate("trigger.body.items[].n", scope),
      runner.evaluate("missing", scope),
      runner.evaluate("sum(trigger.body.items[].n)", scope),
    ]);
    assertEquals(values, [[1, 2], null, 3]);
    await rejects(
      runner.evaluate("sum(run.id)", scope),
      { name: "ExpressionFailed" },
    );
  }));

Deno.test("an expression that takes too long ends, and those after it do not", () =>
  withRunner(async (runner) => {
    const many = {
      ...scope,
      trigger: { body: Array(3_000).fill(0), headers: {} },
    };
    const slow = runner.evaluate(
      "trigger.body[].[`1`][].map(&map(&@, $.trigger.body), $.trigger.body)[]",
      many,
    );
    const after = runner.evaluate("run.id", scope);
    const failure = await slow.then(() => undefined, (error) => error);
    match(String(failure), /takes longer than 300 ms/);
    strictEqual(await after, "r");
  }));

Deno.test("a project with much to evaluate does not keep another from its turn", () =>
  withRunner(async (runner) => {
    const done: string[] = [];
    const evaluate = async (project: string) => {
      await runner.evaluate("run.id", scope, project);
      done.push(project);
    };
    await Promise.all([
      ...Array.from({ length: 5 }, () => evaluate("busy")),
      evaluate("other"),
    ]);
    strictEqual(done.indexOf("other"), 2);
  }));

Deno.test("what waits when the runner stops is told", async () => {
  const runner = expressionRunner();
  const waiting = runner.evaluate("run.id", scope);
  await runner.stop?.();
  await rejects(waiting, /stopping/);
});
