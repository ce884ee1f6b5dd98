/**
 * Runs go to their end whatever dies on the way: workers and executors are
 * killed, and PostgreSQL is restarted without a warning, while 2,000 runs are
 * under way.
 */
import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  eventually,
  startProcess,
  type TestProcess,
} from "@mainstay/adapters/testing";
import { childProcessOf } from "./child_process_of.ts";
import { meshhookSender } from "./meshhook_sender.ts";
import { serveReceiver } from "./serve_receiver.ts";
import { startMeshhook } from "./start_meshhook.ts";

const RUNS = 2_000;
const KILLS = 8;
/** For a machine that has much else to do. */
const PATIENCE_MS = 240_000;

Deno.test("2,000 runs under 8 kill -9 of workers and one immediate restart of PostgreSQL all succeed, each log is sound, and every repeated send carries the same Idempotency-Key", async () => {
  await using receiver = serveReceiver();
  await using meshhook = await startMeshhook({
    TARGETS: `127.0.0.1:${receiver.port}`,
    LEASE: "2s",
    RATE_LIMIT: "0",
    WEBHOOK_RATE_LIMIT: "0",
    LOG_LEVEL: "ERROR",
  });
  const project = await meshhookSender(meshhook, "drill", {
    nodes: [
      { id: "hook", type: "webhook" },
      { id: "shape", type: "transform", expression: "{n: trigger.body.n}" },
      {
        id: "call",
        type: "http_call",
        url: `http://127.0.0.1:${receiver.port}/20`,
        body: { $expression: "steps.shape.output" },
        retry: { maxAttempts: 20, baseDelayMs: 100, maxDelayMs: 1_000 },
      },
      {
        id: "sum",
        type: "transform",
        expression: "sum([steps.shape.output.n, `1`])",
      },
    ],
    edges: [
      { from: "hook", to: "shape" },
      { from: "shape", to: "call" },
      { from: "call", to: "sum" },
    ],
  });
  const workers: TestProcess[] = [
    meshhook.worker,
    await meshhook.startWorker(),
  ];

  // A sender sends again what it has no answer to.
  let next = 0;
  const runs = new Map<number, string>();
  const sending = Promise.all(Array.from({ length: 8 }, async () => {
    while (next < RUNS) {
      const n = next++;
      while (!runs.has(n)) {
        try {
          runs.set(n, (await project.send({ n }, `delivery-${n}`)).runId);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    }
  }));

  const faults = KILLS + 1;
  for (let fault = 1; fault <= faults; fault++) {
    const done = Math.floor(fault * RUNS / (faults + 2));
    await eventually(
      `${done} runs are done`,
      async () => await project.count("succeeded") >= done,
      PATIENCE_MS,
    );
    if (fault === 5) {
      await meshhook.server.kill("SIGQUIT");
      await meshhook.server.restart();
      continue;
    }
    await eventually("something is in hand", () => receiver.inHand > 0, 30_000);
    const at = fault % workers.length;
    const executor = childProcessOf(workers[at]!.pid);
    if (fault % 4 === 0 && executor !== undefined) {
      Deno.kill(executor, "SIGKILL");
    } else {
      workers[at]!.kill("SIGKILL");
      workers[at] = await meshhook.startWorker();
    }
  }
  await sending;
  await eventually(
    "all runs have succeeded",
    async () => await project.count("succeeded") === RUNS,
    PATIENCE_MS,
  );

  const { rows } = await meshhook.postgres.query(
    `SELECT (SELECT count(*)::int FROM runs) AS runs,
       (SELECT count(*)::int FROM deliveries) AS deliveries,
       (SELECT count(*)::int FROM tasks) AS tasks`,
  );
  assertEquals(rows, [{ runs: RUNS, deliveries: RUNS, tasks: 0 }]);
  const keysOf = Map.groupBy(
    receiver.received,
    ({ body }) => (body as { readonly n: number }).n,
  );
  strictEqual(keysOf.size, RUNS);
  for (const [n, sends] of keysOf) {
    assertEquals(
      new Set(sends.map(({ key }) => key)),
      new Set([`${runs.get(n)}:call`]),
    );
  }
  const repeated = receiver.received.length - RUNS;
  ok(repeated > 0, "what was killed in the middle of a call is sent again");

  const verify = await startProcess(
    ["run", "-A", "cli/main.ts", "meshhook", "verify"],
    { env: { DATABASE_URL: meshhook.server.url() } },
  );
  await using _ = verify;
  strictEqual(await verify.exited, 0, await verify.stdout());
  strictEqual(
    (await verify.stdout()).trim(),
    `${RUNS} runs checked: all are what their events say`,
  );
});
