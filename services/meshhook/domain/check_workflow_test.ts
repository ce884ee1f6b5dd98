import {
  deepStrictEqual as assertEquals,
  ok,
  throws,
} from "node:assert/strict";
import { InvalidInput } from "@mainstay/kernel/errors";
import { parseWorkflow, secretsOf } from "./check_workflow.ts";

const hook = { id: "hook", type: "webhook" };
const shape = { id: "shape", type: "transform", expression: "trigger.body" };
const valid = {
  nodes: [hook, shape, {
    id: "check",
    type: "branch",
    expression: "steps.shape.output.open",
  }, {
    id: "call",
    type: "http_call",
    url: "https://api.example/items",
    headers: { authorization: { $secret: "api-token" } },
    body: { id: { $expression: "steps.shape.output.id" } },
  }, { id: "end", type: "terminate" }],
  edges: [
    { from: "hook", to: "shape" },
    { from: "shape", to: "check" },
    { from: "check", to: "call", when: true },
    { from: "check", to: "end", when: false },
  ],
};

function mistakesOf(input: unknown): string[] {
  let mistakes: string[] = [];
  throws(() => parseWorkflow(input), (error) => {
    ok(error instanceof InvalidInput);
    mistakes = error.errors.map(({ pointer, detail }) =>
      `${pointer} ${detail}`
    );
    return true;
  });
  return mistakes;
}

Deno.test("parseWorkflow() fills in what was left out", () => {
  const { nodes } = parseWorkflow(valid);
  const call = nodes.find(({ id }) => id === "call");
  ok(call?.type === "http_call");
  assertEquals(call.method, "POST");
  assertEquals(call.retry.maxAttempts, 5);
  assertEquals([...secretsOf(parseWorkflow(valid))], ["api-token"]);
});

Deno.test("parseWorkflow() names every mistake of the shape with its place", () => {
  assertEquals(
    mistakesOf({
      nodes: [{ id: "1", type: "webhook" }, {
        id: "a",
        type: "delay",
        delayMs: -1,
      }, { id: "b", type: "delay", delayMs: 1, extra: 1 }],
      edges: {},
    }).map((mistake) => mistake.split(" ")[0]),
    ["/nodes/0/id", "/nodes/1/delayMs", "/nodes/2/extra", "/edges"],
  );
});

Deno.test("parseWorkflow() names every mistake of the graph with its place", () => {
  const mistakes = mistakesOf({
    nodes: [hook, hook, shape, { id: "end", type: "terminate" }],
    edges: [
      { from: "hook", to: "nowhere" },
      { from: "end", to: "shape" },
      { from: "shape", to: "hook" },
      { from: "hook", to: "shape", when: true },
    ],
  });
  assertEquals(mistakes, [
    '/nodes/1/id "hook" is taken',
    "/nodes Expected one webhook node, found 2",
    '/edges/0/to There is no node "nowhere"',
    "/edges/1/from A terminate node ends the run",
    "/edges/2/to A webhook begins the run",
    "/edges/3/when Only an edge that leaves a branch has a condition",
  ]);
});

Deno.test("parseWorkflow() names the nodes of a circle, and those that nothing leads to", () => {
  const other = { ...shape, id: "other" };
  const lonely = { ...shape, id: "lonely" };
  assertEquals(
    mistakesOf({
      nodes: [hook, shape, other],
      edges: [
        { from: "hook", to: "shape" },
        { from: "shape", to: "other" },
        { from: "other", to: "shape" },
      ],
    }),
    [
      '/nodes/1 "shape" is part of a circle',
      '/nodes/2 "other" is part of a circle',
    ],
  );
  assertEquals(
    mistakesOf({
      nodes: [hook, shape, lonely],
      edges: [{ from: "hook", to: "shape" }],
    }),
    ['/nodes/2 "lonely" cannot be reached from the webhook'],
  );
});

Deno.test("parseWorkflow() refuses expressions that do not parse, or that would exhaust the parser", () => {
  const mistakes = mistakesOf({
    nodes: [
      hook,
      { ...shape, expression: "a.[" },
      { id: "deep", type: "transform", expression: "[".repeat(2_000) },
      {
        id: "call",
        type: "http_call",
        url: { $expression: "a b" },
        body: { x: { $secrt: "y" } },
      },
    ],
    edges: ["shape", "deep", "call"].map((to) => ({ from: "hook", to })),
  });
  assertEquals(mistakes.map((mistake) => mistake.split(" ")[0]), [
    "/nodes/1/expression",
    "/nodes/2/expression",
    "/nodes/3/url",
    "/nodes/3/body/x",
  ]);
});
