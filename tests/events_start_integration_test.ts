/** What is seen of the events service before it is ready, and of its bounds after. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { get } from "node:https";
import {
  eventually,
  freePort,
  sharedRedis,
  startProcess,
  startRedis,
} from "@mainstay/adapters/testing";
import {
  eventsCommand,
  eventsEnvironment,
  startEvents,
} from "./start_events.ts";

const redis = await sharedRedis();

/** Asks a server whose certificate nobody is meant to trust. */
function ask(url: string): Promise<readonly [status: number, body: string]> {
  return new Promise((resolve, reject) =>
    get(url, { rejectUnauthorized: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => body += chunk);
      response.on("end", () => resolve([response.statusCode ?? 0, body]));
    }).on("error", reject)
  );
}

Deno.test("The admin server opens first and says starting while Redis is waited for", async () => {
  const port = freePort();
  await using service = await startProcess(eventsCommand(), {
    env: eventsEnvironment({ host: "127.0.0.1", port }, {
      MAX_RETRY_ATTEMPTS: "100",
      RETRY_DELAYS: "200",
    }),
  });
  const [, admin] = await service.waitForOutput(
    /Admin server listening.*"url":"(https:[^"]+)"/,
  );
  await service.waitForOutput(/Connection attempt 2\/100/);
  ok(!/\bListening\b/.test(await service.stdout()), "It listens already");
  strictEqual((await ask(`${admin}/livez`))[0], 200);
  for (const probe of ["readyz", "startupz"]) {
    const [status, body] = await ask(`${admin}/${probe}`);
    strictEqual(status, 503);
    match(body, /starting/, probe);
  }
  await using _redis = await startRedis({ port });
  for (const probe of ["readyz", "startupz"]) {
    await eventually(
      `${probe} is ok`,
      async () => (await ask(`${admin}/${probe}`))[0] === 200,
    );
  }
});

Deno.test("A request body may have 10 MB and no more", async () => {
  await using service = await startEvents(redis, {
    STREAM: `bounds-${crypto.randomUUID()}`,
  });
  const publish = async (bytes: number) => {
    const text = JSON.stringify(Array.from({ length: 1_000 }, (_, n) => ({
      event: "a.b",
      aggregateId: `a${n}`,
      data: { text: "x".repeat(9_000) },
    })));
    const response = await fetch(`${service.url}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text + " ".repeat(bytes - text.length),
    });
    await response.body?.cancel();
    return response.status;
  };
  strictEqual(await publish(10 * 1024 * 1024), 202);
  strictEqual(await publish(10 * 1024 * 1024 + 1), 413);
});

Deno.test("RATE_LIMIT holds each client, and no probe", async () => {
  await using service = await startEvents(redis, {
    STREAM: `limit-${crypto.randomUUID()}`,
    RATE_LIMIT: "5",
    RATE_LIMIT_WINDOW: "10m",
  });
  const read = async (path: string) => {
    const response = await fetch(`${service.url}${path}`);
    await response.body?.cancel();
    return response;
  };
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) statuses.push((await read("/groups")).status);
  deepStrictEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  const refused = await read("/groups");
  ok(Number(refused.headers.get("retry-after")) > 1);
  strictEqual(refused.headers.get("ratelimit-limit"), "5");
  strictEqual(refused.headers.get("ratelimit-remaining"), "0");
  for (const probe of ["/health/live", "/health", "/healthz", "/metrics"]) {
    for (let n = 0; n < 10; n++) strictEqual((await read(probe)).status, 200);
  }
});
