import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { InvalidInput } from "../errors/invalid_input.ts";
import { createKernel } from "./create_kernel.ts";
import { createFakeClock } from "./fake_clock.ts";
import { operationsRoutes } from "./operations_routes.ts";
import type { RequestContext, Route } from "./route.ts";
import type { ServedService } from "./service.ts";
import { logging } from "./tokens.ts";

function setUp(audience: "public" | "private") {
  const clock = createFakeClock(1000);
  const lines: string[] = [];
  const kernel = createKernel({
    identity: { name: "toy", version: "1.2.3", environment: "test" },
    logging: {
      level: "INFO",
      format: "json",
      write: (line) => lines.push(line),
    },
    clock,
  });
  const reasons: string[] = [];
  const service: ServedService = {
    kernel,
    modules: ["redis", "events"],
    startedAtMs: 1000,
    routes: [],
    stopping: new AbortController().signal,
    draining: new AbortController().signal,
    shutdown: (reason) => void reasons.push(reason),
  };
  const routes = operationsRoutes(service, { audience, clock });
  const call = async (method: Route["method"], path: string, body = "") => {
    const route = routes.find((route) =>
      route.method === method && route.path === path
    );
    if (route === undefined) return undefined;
    const request = new Request(`http://localhost${path}`, { method });
    const context: Partial<RequestContext> = {
      params: {},
      log: kernel.log,
      body: () => Promise.resolve(new TextEncoder().encode(body)),
    };
    return await route.handle(request, context as RequestContext);
  };
  return { call, clock, kernel, lines, reasons, routes };
}

Deno.test("the public sees probes and metrics, all of them exempt from limits", () => {
  const { routes } = setUp("public");
  deepStrictEqual(
    routes.map(({ method, path, probe }) => `${method} ${path} ${probe}`),
    [
      "GET /livez true",
      "GET /healthz true",
      "GET /readyz true",
      "GET /ready true",
      "GET /startupz true",
      "GET /readyz/:name true",
      "GET /metrics true",
    ],
  );
});

Deno.test("each probe asks its own group", async () => {
  const { call, kernel } = setUp("public");
  const statuses = () =>
    Promise.all(["/livez", "/healthz", "/readyz", "/ready", "/startupz"].map(
      async (path) => {
        const response = await call("GET", path);
        await response?.text();
        return response?.status;
      },
    ));
  deepStrictEqual(await statuses(), [200, 200, 503, 503, 503]);
  kernel.health.setStarted();
  deepStrictEqual(await statuses(), [200, 200, 200, 200, 200]);
  kernel.health.setDraining();
  deepStrictEqual(await statuses(), [200, 200, 503, 503, 200]);
});

Deno.test("POST /shutdown answers 202 and begins the shutdown once asked", async () => {
  const { call, reasons } = setUp("private");
  const response = await call("POST", "/shutdown");
  strictEqual(response?.status, 202);
  deepStrictEqual(await response.json(), {
    status: "shutting down",
    service: "toy",
  });
  deepStrictEqual(reasons, ["POST /shutdown"]);
});

Deno.test("PUT /loglevel takes text and JSON, in any case", async () => {
  const { call, kernel, lines } = setUp("private");
  for (
    const [body, expected] of [
      ["DEBUG", "DEBUG"],
      ["warn\n", "WARN"],
      ['{"level":"Trace"}', "TRACE"],
      ['"error"', "ERROR"],
    ] as const
  ) {
    const response = await call("PUT", "/loglevel", body);
    deepStrictEqual(await response?.json(), { level: expected });
    strictEqual(kernel.container.get(logging).level, expected);
    deepStrictEqual(await (await call("GET", "/loglevel"))?.json(), {
      level: expected,
    });
  }
  match(lines[0] ?? "", /"message":"Log level is DEBUG".*"from":"INFO"/);
});

Deno.test("PUT /loglevel refuses what is no level", async () => {
  const { call, kernel } = setUp("private");
  for (const body of ["", "LOUD", "{}", '{"level":7}', "[]", "null", "{"]) {
    await rejects(
      async () => await call("PUT", "/loglevel", body),
      InvalidInput,
    );
  }
  strictEqual(kernel.container.get(logging).level, "INFO");
});

Deno.test("GET /info says who runs, since when, and on what", async () => {
  const { call, clock } = setUp("private");
  await clock.advance(90_000);
  const info = await (await call("GET", "/info"))?.json();
  deepStrictEqual(info.service, {
    name: "toy",
    version: "1.2.3",
    environment: "test",
  });
  strictEqual(info.startedAt, "1970-01-01T00:00:01.000Z");
  strictEqual(info.uptimeSeconds, 90);
  strictEqual(info.runtime.deno, Deno.version.deno);
  deepStrictEqual(info.modules, ["redis", "events"]);
});

Deno.test("GET /metrics has the content type of its format", async () => {
  const { call } = setUp("public");
  const response = await call("GET", "/metrics");
  match(response?.headers.get("content-type") ?? "", /^text\/plain; version=0/);
  match(await response?.text() ?? "", /^build_info\{/m);
});
