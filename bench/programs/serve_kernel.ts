/**
 * One server of the kernel suite, on the port it is given: `bare` is
 * `Deno.serve` alone; `floor` reads the URL and a header and sets one, as any server with routes and correlation IDs
 * must; `kernel` has correlation, log level check, metrics and in-flight
 * tracking; `secured` the security headers too.
 *
 * @module
 */
import { createHandler, httpProblems } from "@mainstay/adapters/http";
import { createKernel, type Route } from "@mainstay/kernel/lifecycle";

const routes: readonly Route[] = [{
  method: "GET",
  path: "/hello",
  // A promise, as real handlers give one: in-flight tracking is part of it.
  handle: () => Promise.resolve(new Response("hello")),
}];
const headers = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["referrer-policy", "no-referrer"],
] as const;

function kernelHandler(secured: boolean): Deno.ServeHandler {
  const never = new AbortController().signal;
  const kernel = createKernel({
    identity: { name: "bench", version: "1.0.0", environment: "bench" },
    logging: { level: "WARN", format: "json", timezone: "UTC" },
  });
  return createHandler({
    kernel,
    modules: [],
    startedAtMs: 0,
    routes,
    stopping: never,
    draining: never,
    shutdown: () => {},
  }, {
    listener: "public",
    routes,
    problems: httpProblems,
    trustedProxies: { has: () => false },
    requestTimeoutMs: 30_000,
    bodyTimeoutMs: 10_000,
    maxBodyBytes: 1_048_576,
    ...(secured ? { headers } : {}),
  });
}

function floor(request: Request): Promise<Response> {
  const id = request.headers.get("x-correlation-id") ?? "none";
  const status = request.url.endsWith("/hello") ? 200 : 404;
  const response = new Response("hello", { status });
  response.headers.set("x-correlation-id", id);
  return Promise.resolve(response);
}

const HANDLERS: Readonly<Record<string, () => Deno.ServeHandler>> = {
  bare: () => () => Promise.resolve(new Response("hello")),
  floor: () => floor,
  kernel: () => kernelHandler(false),
  secured: () => kernelHandler(true),
};

const [port, mode = ""] = Deno.args;
const handler = HANDLERS[mode];
if (handler === undefined) throw new TypeError(`Cannot serve ${mode}`);
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  onListen: () => console.log("ready"),
}, handler());
