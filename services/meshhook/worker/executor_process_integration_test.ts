import {
  deepStrictEqual as assertEquals,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { captureLogger, eventually } from "@mainstay/adapters/testing";
import {
  ExecutorLost,
  executorProcess,
  type Unnumbered,
} from "./executor_process.ts";

function serve(handler: Deno.ServeHandler) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const question = (port: number, changes: Partial<Unnumbered> = {}) => ({
  address: "127.0.0.1",
  port,
  tls: false,
  host: "api.example",
  serverName: "api.example",
  method: "POST",
  path: "/items?n=1",
  headers: { "idempotency-key": "run:node" },
  body: btoa("hello"),
  timeoutMs: 5_000,
  maxBytes: 1_000,
  ...changes,
});

async function withExecutor(
  targets: readonly string[],
  work: (executor: ReturnType<typeof executorProcess>) => Promise<void>,
): Promise<void> {
  const executor = executorProcess({ targets, log: captureLogger() });
  await executor.start?.(new AbortController().signal);
  try {
    await work(executor);
  } finally {
    await executor.stop?.();
  }
}

Deno.test("the executor sends what it is told, to the address, under the host", async () => {
  await using server = serve(async (request) => {
    const { pathname, search } = new URL(request.url);
    return Response.json({
      method: request.method,
      path: pathname + search,
      host: request.headers.get("host"),
      key: request.headers.get("idempotency-key"),
      body: await request.text(),
    }, { status: 201 });
  });
  await withExecutor([`127.0.0.1:${server.port}`], async (executor) => {
    const answer = await executor.send(question(server.port));
    ok("status" in answer);
    strictEqual(answer.status, 201);
    assertEquals(JSON.parse(atob(answer.body)), {
      method: "POST",
      path: "/items?n=1",
      host: "api.example",
      key: "run:node",
      body: "hello",
    });
  });
});

Deno.test("no inside address can be reached, whatever the executor is told", async () => {
  let reached = 0;
  await using server = serve(() => {
    reached++;
    return new Response();
  });
  await withExecutor([], async (executor) => {
    const addresses = [
      "127.0.0.1",
      "0.0.0.0",
      "::1",
      "::ffff:127.0.0.1",
      "64:ff9b::7f00:1",
      "fe80::1",
      "2606:4700:4700::1111",
      "10.0.0.1",
      "100.64.0.1",
      "172.16.0.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "169.254.169.254",
      "192.168.0.1",
      "localhost",
      "2130706433",
    ];
    for (const address of addresses) {
      for (const tls of [false, true]) {
        const answer = await executor.send(
          question(server.port, { address, tls, timeoutMs: 2_000 }),
        );
        assertEquals(
          { ...answer, id: 0 },
          { id: 0, fault: "address-denied" },
          `${address} ${tls}`,
        );
      }
    }
    strictEqual(reached, 0);
  });
});

Deno.test("slow, large and broken answers end with their fault", async () => {
  await using server = serve((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/large") return new Response("x".repeat(1_001));
    if (pathname === "/bomb") {
      // Compressed, it is small: it is not unpacked.
      return new Response("small", { headers: { "content-encoding": "gzip" } });
    }
    return new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("drip"));
          await new Promise((resolve) =>
            request.signal.addEventListener("abort", resolve)
          );
          try {
            controller.close();
          } catch {
            // The client left.
          }
        },
      }),
    );
  });
  await withExecutor([`127.0.0.1:${server.port}`], async (executor) => {
    const faultOf = async (changes: Partial<Unnumbered>) => {
      const answer = await executor.send(question(server.port, changes));
      return "fault" in answer ? answer.fault : answer.status;
    };
    strictEqual(await faultOf({ path: "/large" }), "response-too-large");
    strictEqual(await faultOf({ path: "/bomb" }), 200);
    strictEqual(await faultOf({ path: "/slow", timeoutMs: 200 }), "timeout");
    strictEqual(
      await faultOf({ headers: { "x-evil": "a\r\nhost: evil" } }),
      "invalid-request",
    );
    strictEqual(
      await faultOf({ path: "/a b\r\nHost: evil" }),
      "invalid-request",
    );
  });
});

Deno.test("an executor that is killed is followed by another; what it had is lost, not forgotten", async () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await using server = serve(async () => {
    arrived.resolve();
    await released.promise;
    return new Response();
  });
  await withExecutor([`127.0.0.1:${server.port}`], async (executor) => {
    const lost = rejects(executor.send(question(server.port)), ExecutorLost);
    await arrived.promise;
    const { pid } = executor;
    Deno.kill(pid!, "SIGKILL");
    await lost;
    released.resolve();
    await eventually(
      "another one answers",
      () => executor.pid !== undefined && executor.pid !== pid,
    );
    const answer = await executor.send(question(server.port));
    ok("status" in answer);
  });
});

Deno.test("an executor answers a ping, but not while it stands still, and not when it is gone", async () => {
  await withExecutor([], async (executor) => {
    await executor.ping();
    Deno.kill(executor.pid!, "SIGSTOP");
    let answered = false;
    const ping = executor.ping().then(() => answered = true);
    await new Promise((resolve) => setTimeout(resolve, 300));
    strictEqual(answered, false);
    Deno.kill(executor.pid!, "SIGCONT");
    await ping;
    Deno.kill(executor.pid!, "SIGSTOP");
    const lost = rejects(executor.ping(), ExecutorLost);
    Deno.kill(executor.pid!, "SIGKILL");
    await lost;
  });
});

Deno.test("an executor that stands still is ended, and followed by another", async () => {
  await using server = serve(() => new Response());
  const executor = executorProcess({
    targets: [`127.0.0.1:${server.port}`],
    log: captureLogger(),
    graceMs: 300,
  });
  await executor.start?.(new AbortController().signal);
  try {
    const { pid } = executor;
    Deno.kill(pid!, "SIGSTOP");
    await rejects(
      executor.send(question(server.port, { timeoutMs: 100 })),
      ExecutorLost,
    );
    await eventually(
      "another one is there",
      () => executor.pid !== undefined && executor.pid !== pid,
    );
  } finally {
    await executor.stop?.();
  }
});
