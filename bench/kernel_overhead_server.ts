/**
 * One server of the kernel overhead benchmark: `bare` is `Deno.serve` alone;
 * `floor` reads the URL and a header and sets one, as any server with routes
 * and correlation IDs must; `kernel` has correlation, log level check, metrics
 * and in-flight tracking; `full` the security headers too.
 *
 * @module
 */
import { createHandler, httpProblems } from "@mainstay/adapters/http";
import { createContainer } from "@mainstay/kernel/container";
import type { HealthRegistry } from "@mainstay/kernel/health";
import type { ServedService } from "@mainstay/kernel/lifecycle";
import { createLogging } from "@mainstay/kernel/logging";
import { createMetrics } from "@mainstay/kernel/metrics";

const identity = { name: "bench", version: "0", environment: "bench" };

function kernelHandler(full: boolean): Deno.ServeHandler {
  const logging = createLogging({ identity, level: "WARN", format: "json" });
  const never = new AbortController().signal;
  const routes = [
    {
      method: "GET",
      path: "/hello",
      // A promise, as real handlers give one: in-flight tracking is part of it.
      handle: () => Promise.resolve(new Response("hello")),
    },
  ] as const;
  const service: ServedService = {
    kernel: {
      identity,
      log: logging.logger("bench"),
      // Nothing here asks for health.
      health: {} as HealthRegistry,
      metrics: createMetrics({ identity }),
      container: createContainer(),
    },
    modules: [],
    startedAtMs: 0,
    routes,
    stopping: never,
    draining: never,
    shutdown: () => {},
  };
  return createHandler(service, {
    listener: "public",
    routes,
    problems: httpProblems,
    trustedProxies: { has: () => false },
    requestTimeoutMs: 30_000,
    bodyTimeoutMs: 10_000,
    maxBodyBytes: 1_048_576,
    ...(full
      ? {
        headers: [
          ["x-content-type-options", "nosniff"],
          [
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
          ],
          ["referrer-policy", "no-referrer"],
        ] as const,
      }
      : {}),
  });
}

function floor(request: Request): Promise<Response> {
  const id = request.headers.get("x-correlation-id") ?? "none";
  const status = request.url.endsWith("/hello") ? 200 : 404;
  const response = new Response("hello", { status });
  response.headers.set("x-correlation-id", id);
  return Promise.resolve(response);
}

const mode = Deno.args[0];
const handler: Deno.ServeHandler = mode === "bare"
  ? () => Promise.resolve(new Response("hello"))
  : mode === "floor"
  ? floor
  : kernelHandler(mode === "full");

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) =>
    void Deno.stdout.write(new TextEncoder().encode(`${port}\n`)),
}, handler);
