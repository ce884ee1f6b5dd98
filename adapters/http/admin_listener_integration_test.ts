import { ok, rejects, strictEqual } from "node:assert/strict";
import { get } from "node:https";
import type { Route } from "@mainstay/kernel/lifecycle";
import { adminListener, type AdminListenerOptions } from "./admin_listener.ts";
import { guardRoutes } from "./admin_guard.ts";
import { createHandler } from "./create_handler.ts";
import { httpProblems } from "./problem.ts";
import { parseNetworks } from "./cidr.ts";
import { createSelfSignedCertificate } from "./self_signed_certificate.ts";
import { assertFaster, bestOfThree } from "@mainstay/adapters/testing";
import { toyService } from "./tests/toy_service.ts";

function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<{ status: number; body: string; ms: number }> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false, ...options }, (r) => {
      let body = "";
      r.on("data", (chunk) => body += chunk);
      r.on("end", () =>
        resolve({
          status: r.statusCode ?? 0,
          body,
          ms: performance.now() - startedMs,
        }));
    });
    request.on("error", reject);
  });
}

const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/info",
    handle: (_request, context) =>
      Response.json({ client: context.clientAddress }),
  },
  {
    method: "POST",
    path: "/shutdown",
    handle: () => new Response("stopping\n", { status: 202 }),
  },
  {
    method: "GET",
    path: "/livez",
    handle: () => new Response("the checks by name\n", { status: 503 }),
  },
  { method: "GET", path: "/readyz", handle: () => new Response("ok\n") },
];

async function opened(
  run: (
    url: string,
    part: ReturnType<typeof adminListener>,
    service: ReturnType<typeof toyService>,
  ) => Promise<void>,
  options: Partial<AdminListenerOptions> & { probePort?: number } = {},
) {
  const service = toyService([]);
  const handlerFor = (listener: string) =>
    createHandler(service, {
      listener,
      routes: listener === "admin"
        ? guardRoutes(ROUTES, { token: options.token, loopback: true })
        : ROUTES,
      problems: httpProblems,
      trustedProxies: parseNetworks([]),
      requestTimeoutMs: 5000,
      bodyTimeoutMs: 5000,
      maxBodyBytes: 1000,
    });
  const part = adminListener({
    hostname: "127.0.0.1",
    port: 0,
    handler: handlerFor("admin"),
    probes: options.probePort === undefined ? undefined : {
      hostname: "127.0.0.1",
      port: options.probePort,
      handler: handlerFor("probe"),
    },
    stallThresholdMs: 1500,
    alive: () => service.health === "healthy",
    log: service.kernel.log,
    ...options,
  });
  await part.start!(new AbortController().signal);
  try {
    await run(`https://127.0.0.1:${part.address!.port}`, part, service);
  } finally {
    await part.stop!();
  }
}

Deno.test("the admin server answers over TLS with a certificate of its own", async () => {
  await opened(async (url) => {
    const livez = await ask(`${url}/livez`);
    strictEqual(livez.status, 200);
    strictEqual(livez.body, "ok");
    const info = await ask(`${url}/info`);
    strictEqual(info.body, '{"client":"127.0.0.1"}');
    strictEqual((await ask(`${url}/nope`)).status, 404);
    strictEqual((await ask(`${url}/shutdown`)).status, 405);
    strictEqual((await ask(`${url}/shutdown`, { method: "POST" })).status, 202);
  });
});

Deno.test("the admin server follows the liveness checks", async () => {
  await opened(async (url, _part, service) => {
    service.health = "unhealthy";
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { status, body } = await ask(`${url}/livez`);
    strictEqual(status, 503);
    strictEqual(body, "the checks by name\n");
  });
});

Deno.test("the admin server refuses other sites and rebound names", async () => {
  await opened(async (url) => {
    const post = (headers: Record<string, string>) =>
      ask(`${url}/shutdown`, { method: "POST", headers }).then((r) => r.status);
    strictEqual(await post({ origin: "https://evil.example" }), 403);
    strictEqual(await post({ origin: "null" }), 403);
    strictEqual(await post({ "sec-fetch-site": "cross-site" }), 403);
    strictEqual(await post({ "sec-fetch-site": "same-site" }), 403);
    strictEqual(await post({ host: "evil.example" }), 403);
    strictEqual(await post({}), 202);
    const rebound = { headers: { host: "evil.example" } };
    strictEqual((await ask(`${url}/info`, rebound)).status, 403);
  });
});

Deno.test("the admin server asks for its token", async () => {
  await opened(async (url) => {
    const info = (authorization?: string) =>
      ask(`${url}/info`, authorization ? { headers: { authorization } } : {})
        .then((r) => r.status);
    strictEqual(await info(), 401);
    strictEqual(await info("Bearer wrong"), 401);
    strictEqual(await info("Bearer 0123456789abcdef"), 200);
    strictEqual((await ask(`${url}/livez`)).status, 200);
  }, { token: "0123456789abcdef" });
});

Deno.test("the admin server does not open off loopback without a token", async () => {
  await rejects(
    opened(() => Promise.resolve(), { hostname: "0.0.0.0" }),
    { code: "admin-exposed" },
  );
});

Deno.test("an occupied admin port names variable, host, port and remedy", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  try {
    await rejects(opened(() => Promise.resolve(), { port }), {
      code: "port-unavailable",
      message: `Cannot open the admin server on 127.0.0.1 port ${port} ` +
        "(ADMIN_HOST, ADMIN_PORT): another process has it; stop that process " +
        "or set ADMIN_PORT to a free port",
    });
  } finally {
    other.close();
  }
});

Deno.test("every answer of the Worker has a correlation ID", async () => {
  await opened(async (_url, part) => {
    const base = `http://127.0.0.1:${part.probeAddress!.port}`;
    for (const path of ["/livez", "/readyz", "/nope"]) {
      const response = await fetch(base + path, {
        headers: { "x-correlation-id": "c1" },
      });
      await response.body?.cancel();
      strictEqual(response.headers.get("x-correlation-id"), "c1", path);
    }
  }, { probePort: 0 });
});

Deno.test("the probe port serves probes alone, over plain HTTP", async () => {
  await opened(async (_url, part) => {
    const base = `http://127.0.0.1:${part.probeAddress!.port}`;
    const status = async (path: string) => {
      const response = await fetch(base + path);
      await response.body?.cancel();
      return response.status;
    };
    strictEqual(await status("/livez"), 200);
    strictEqual(await status("/readyz"), 200);
    strictEqual(await status("/info"), 404);
    strictEqual(await status("/metrics"), 404);
  }, { probePort: 0 });
});

/** Blocks this thread for 2 s while another asks for liveness. */
async function askWhileBlocked(url: string, cert?: string): Promise<void> {
  // The asking must not stand on the blocked thread either.
  const asker = new Worker(
    new URL("./tests/livez_asker.ts", import.meta.url),
    { type: "module" },
  );
  const next = <T>() =>
    new Promise<T>((resolve) => asker.onmessage = ({ data }) => resolve(data));
  asker.postMessage({ url, forMs: 3000, cert });
  await next<"asking">();
  const answers = next<
    Array<{ ms: number; status: number; body: string }>
  >();
  const untilMs = performance.now() + 2000;
  while (performance.now() < untilMs);
  const seen = await answers;
  asker.terminate();

  const times = seen.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)]!;
  assertFaster(p99, 50, `p99 of ${times.length} answers`);
  const stalls = seen.filter(({ body }) => body.includes("blocked"));
  ok(
    stalls.some(({ status }) => status === 200),
    "none is well yet stalled",
  );
  const past = stalls.filter(({ status }) => status === 503);
  ok(past.length > 0, "none is past the threshold");
  for (const { body } of past) {
    const age = Number(/blocked for (\d+) ms/.exec(body)?.[1]);
    ok(age >= 1500 && age < 2600, body);
  }
  strictEqual(seen.at(-1)!.body, "ok");
}

Deno.test("liveness is answered over plain HTTP while the main thread is blocked", () =>
  bestOfThree(() =>
    opened(
      (_url, part) =>
        askWhileBlocked(`http://127.0.0.1:${part.probeAddress!.port}/livez`),
      { probePort: 0 },
    )
  ));

Deno.test("liveness is answered over TLS while the main thread is blocked", async () => {
  const { cert, key } = createSelfSignedCertificate(["127.0.0.1"], Date.now());
  const folder = await Deno.makeTempDir();
  const tls = { certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` };
  try {
    await Deno.writeTextFile(tls.certFile, cert);
    await Deno.writeTextFile(tls.keyFile, key);
    await bestOfThree(() =>
      opened((url) => askWhileBlocked(`${url}/livez`, cert), { tls })
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
