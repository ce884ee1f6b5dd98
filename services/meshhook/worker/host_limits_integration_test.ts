import { ok, strictEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { eventually } from "@mainstay/adapters/testing";
import {
  type StartedMeshhook,
  startMeshhook,
} from "../tests/start_meshhook.ts";

const SECRET = "it is a secret";

function serveTarget(handler: Deno.ServeHandler) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  const { port } = server.addr;
  return {
    url: `http://127.0.0.1:${port}/`,
    host: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function deliver(
  { url }: StartedMeshhook,
  project: string,
  target: string,
): Promise<string> {
  const body = JSON.stringify({ url: target });
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const response = await fetch(`${url}/hooks/${project}/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body,
  });
  strictEqual(response.status, 202);
  return (await response.json()).runId;
}

const calling = {
  nodes: [{ id: "hook", type: "webhook" }, {
    id: "call",
    type: "http_call",
    url: { $expression: "trigger.body.url" },
    retry: { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 20 },
  }],
  edges: [{ from: "hook", to: "call" }],
};

Deno.test("a slow host gets no more calls at once than it may, a broken one is left alone, and neither delays others", async () => {
  let slow = 0;
  let slowest = 0;
  let broken = 0;
  const released = Promise.withResolvers<void>();
  await using slowTarget = serveTarget(async () => {
    slowest = Math.max(slowest, ++slow);
    await released.promise;
    slow--;
    return new Response("ok");
  });
  await using brokenTarget = serveTarget(() => {
    broken++;
    return new Response("down", { status: 500 });
  });
  await using good = serveTarget(() => new Response("ok"));
  await using meshhook = await startMeshhook({
    TARGETS: [slowTarget, brokenTarget, good].map(({ host }) => host).join(),
  });
  const { postgres } = meshhook;
  for (const project of ["alpha", "beta"]) {
    await meshhook.project(project, calling, { "webhook-secret": SECRET });
  }
  await postgres.query("UPDATE projects SET max_host_concurrency = 3");
  const succeeded = async (runs: readonly string[]) => {
    const { rows } = await postgres.query(
      "SELECT FROM runs WHERE id = ANY ($1) AND status = 'succeeded'",
      [runs],
    );
    return rows.length === runs.length;
  };
  const begin = (project: string, target: { url: string }, count: number) =>
    Promise.all(
      Array.from(
        { length: count },
        () => deliver(meshhook, project, target.url),
      ),
    );

  const late = await begin("alpha", slowTarget, 20);
  await begin("alpha", brokenTarget, 20);
  await eventually("the slow host has its calls", () => slow === 3);
  await eventually(
    "the broken host is left alone",
    () => meshhook.log.some((line) => line.includes("A host fails")),
  );
  const others = [
    ...await begin("alpha", good, 5),
    ...await begin("beta", good, 5),
  ];
  await eventually("the others succeed", () => succeeded(others));
  strictEqual(slowest, 3);
  ok(broken >= 5 && broken < 15, `it was called ${broken} times`);

  // Held back, not failed: no attempt is lost to a breaker.
  const { rows } = await postgres.query<{ failures: number }>(
    `SELECT sum(failures)::int AS failures FROM tasks WHERE host = $1`,
    [brokenTarget.host],
  );
  strictEqual(rows[0]?.failures, broken);
  released.resolve();
  await eventually("the slow ones succeed", () => succeeded(late));
  strictEqual(slowest, 3);
});
