import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { simulateRun } from "../tests/simulate_run.ts";
import type { NumberedEvent } from "./run_event.ts";
import { runFaults, type StoredRun } from "./verify_run.ts";

const call = (id: string) => ({
  id,
  type: "http_call",
  url: "https://x.test/",
});
const workflow = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "double", type: "transform", expression: "trigger.body.n" },
    call("tell"),
  ],
  edges: [{ from: "hook", to: "double" }, { from: "double", to: "tell" }],
};
const error = { code: "http-status", message: "The answer was 503" };
const done = simulateRun(workflow, {
  body: { n: 1 },
  calls: { tell: [{ error, retryAtMs: 5 }, { output: {} }] },
});
const dead = simulateRun(workflow, { calls: { tell: [{ error }] } });
const waiting = simulateRun(workflow);

/** What is wrong with a run that someone has changed. */
const faultsOf = (run: StoredRun, change: Partial<StoredRun>) =>
  runFaults({ ...run, ...change });
const without = ({ events }: StoredRun, seq: number) =>
  events.filter((event) => event.seq !== seq);

Deno.test("runFaults() finds nothing wrong with runs as the engine leaves them", () => {
  assertEquals([done, dead, waiting].map(({ status }) => status), [
    "succeeded",
    "failed",
    "running",
  ]);
  assertEquals([done, dead, waiting].flatMap(runFaults), []);
  // A dead letter may have been discarded.
  assertEquals(faultsOf(dead, { tasks: [] }), []);
});

Deno.test("runFaults() names a gap, and an event that cannot follow", () => {
  assertEquals(faultsOf(done, { events: without(done, 2) }), [
    "event 2 is missing: 3 follows 1",
  ]);
  const swapped: NumberedEvent[] = done.events.map((event) => ({ ...event }));
  [swapped[1], swapped[2]] = [
    { ...swapped[2]!, seq: 2 },
    { ...swapped[1]!, seq: 3 },
  ];
  assertEquals(faultsOf(done, { events: swapped }), [
    "step.failed cannot follow: it is not the turn of tell",
  ]);
  assertEquals(faultsOf(done, { events: [] }), ["it has no event"]);
});

Deno.test("runFaults() names what is stored otherwise than the events have it", () => {
  assertEquals(faultsOf(done, { status: "failed", lastSeq: 9, version: 2 }), [
    "the last event's number is stored as 9, and by its events 5",
    "its version is stored as 2, and by its events 1",
    "its status is stored as failed, and by its events succeeded",
  ]);
  assertEquals(faultsOf(done, { ended: false }), [
    "its end is stored as false, and by its events true",
  ]);
  assertEquals(
    faultsOf(done, { tasks: [{ node: "tell", state: "ready" }] }),
    ["what is to be done is stored as tell, and by its events nothing"],
  );
  assertEquals(faultsOf(waiting, { tasks: [] }), [
    "what is to be done is stored as nothing, and by its events tell",
  ]);
  assertEquals(faultsOf(done, { tasks: [{ node: "tell", state: "dead" }] }), [
    "tell is a dead letter, and by its events has not failed",
  ]);
});
