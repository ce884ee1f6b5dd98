import { ok, strictEqual } from "node:assert/strict";
import { captureLogger } from "@mainstay/adapters/testing";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { systemClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import { simulateRun } from "../tests/simulate_run.ts";
import { executorProcess } from "./executor_process.ts";
import { expressionRunner } from "./expression_runner.ts";
import { createHostGate } from "./host_gate.ts";
import { httpCallRunner } from "./http_call_runner.ts";
import { openTargets } from "./vet_target.ts";

Deno.test("what may pass is tried again; an answer that is too large is not asked for again", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      new URL(request.url).pathname === "/large"
        ? new Response("x".repeat(1_100_000))
        : new Response(null, { status: 503 }),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const log = captureLogger();
  const executor = executorProcess({ targets: [host], log });
  await executor.start?.(new AbortController().signal);
  const call = httpCallRunner({
    executor,
    hosts: createHostGate({
      clock: systemClock,
      log,
      metrics: createMetrics({
        identity: { name: "test", version: "1.0.0", environment: "test" },
      }),
    }),
    store: { enterHost: () => Promise.resolve(true) },
    open: openTargets([host]),
    now: systemClock.now,
    expressions: expressionRunner(),
    secrets: { read: () => Promise.resolve(undefined) },
    encryption: createKeyEncryption([new Uint8Array(32)]),
  });
  const outcomeOf = async (path: string) => {
    const run = simulateRun({
      nodes: [
        { id: "hook", type: "webhook" },
        { id: "call", type: "http_call", url: `http://${host}${path}` },
      ],
      edges: [{ from: "hook", to: "call" }],
    });
    const node = run.definition.nodes[1];
    ok(node?.type === "http_call");
    const outcome = await call(node, {
      task: {
        run,
        runId: run.id,
        node: "call",
        workerId: run.id,
        attempt: 1,
        projectId: "alpha",
        kind: "http_call",
        failures: 0,
      },
      scope: {
        trigger: { body: {}, headers: {} },
        steps: {},
        run: { id: run.id },
      },
      signal: new AbortController().signal,
    });
    ok("error" in outcome);
    return outcome;
  };
  try {
    const large = await outcomeOf("/large");
    strictEqual(large.error.code, "response-too-large");
    strictEqual(large.retryAtMs, undefined);
    ok((await outcomeOf("/busy")).retryAtMs !== undefined);
  } finally {
    await executor.stop?.();
  }
});
