import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { InvalidInput, OperationalError } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";
import { currentLogFields } from "@mainstay/kernel/logging";
import { parseNetworks } from "./cidr.ts";
import { createCors } from "./cors.ts";
import { createHandler, type HandlerOptions } from "./create_handler.ts";
import { html } from "./html.ts";
import { pageResponse } from "./page_response.ts";
import { httpProblems } from "./problem.ts";
import { securityHeaders } from "./security_headers.ts";
import { toyService } from "./tests/toy_service.ts";

function handlerOf(
  routes: readonly Route[],
  options: Partial<HandlerOptions> = {},
) {
  const service = toyService(routes);
  const handler = createHandler(service, {
    listener: "public",
    routes,
    problems: { ...httpProblems, "toy-broken": { status: 409, title: "Toy" } },
    trustedProxies: parseNetworks([]),
    requestTimeoutMs: 30_000,
    bodyTimeoutMs: 10_000,
    maxBodyBytes: 1000,
    ...options,
  });
  const ask = async (
    path: string,
    init: RequestInit = {},
    peer: string = "127.0.0.1",
  ) =>
    await handler(new Request(`http://localhost${path}`, init), {
      remoteAddr: { hostname: peer },
    });
  return { service, handler, ask, [Symbol.dispose]: handler.close };
}

const get = (
  path: string,
  handle: Route["handle"],
  rest: Partial<Route> = {},
): Route => ({ method: "GET", path, handle, ...rest });
const hello = get("/hello", () => new Response("hello"));

async function problem(response: Response) {
  strictEqual(
    response.headers.get("content-type"),
    "application/problem+json",
  );
  return await response.json();
}

Deno.test("handler keeps a valid correlation ID and replaces any other", async () => {
  using served = handlerOf([hello]);
  const { ask } = served;
  const sent = async (...ids: string[]) => {
    const headers = ids.map((id) => ["x-correlation-id", id]);
    const response = await ask("/hello", {
      headers: headers as [string, string][],
    });
    return response.headers.get("x-correlation-id")!;
  };
  strictEqual(await sent("a.B_c:9-z"), "a.B_c:9-z");
  strictEqual(await sent("x".repeat(128)), "x".repeat(128));
  for (const bad of [["x".repeat(129)], ["a b"], ["a", "b"], ["é"], [""]]) {
    match(await sent(...bad), /^req_\d{13}_[a-z0-9]{6,}$/);
  }
});

Deno.test("handler lets a body stream for longer than a request may take", async () => {
  using served = handlerOf([
    get("/stream", () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("first"));
            await new Promise((resolve) => setTimeout(resolve, 300));
            controller.enqueue(new TextEncoder().encode(" last"));
            controller.close();
          },
        }),
      )),
  ], { requestTimeoutMs: 50 });
  strictEqual(await (await served.ask("/stream")).text(), "first last");
});

Deno.test("handler counts the requests whose answer has not begun", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  using served = handlerOf([
    get("/slow", async () => {
      await promise;
      return new Response();
    }),
  ]);
  const inFlight = async () => {
    const { body } = await served.service.kernel.metrics.expose();
    return /^http_requests_in_flight\{listener="public"\} (\d+)$/m.exec(body)
      ?.[1];
  };
  const asked = [served.ask("/slow"), served.ask("/slow")];
  strictEqual(await inFlight(), "2");
  resolve();
  await Promise.all(asked);
  strictEqual(await inFlight(), "0");
});

Deno.test("handler gives each request a correlation ID of its own", async () => {
  using served = handlerOf([hello]);
  const { ask } = served;
  const ids = new Set<string | null>();
  for (let i = 0; i < 2000; i++) {
    ids.add((await ask("/hello")).headers.get("x-correlation-id"));
  }
  strictEqual(ids.size, 2000);
});

Deno.test("handler shows the correlation ID and the trace to everything in the request", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  using served = handlerOf([
    get("/x", async () => {
      await Promise.resolve();
      return Response.json(currentLogFields());
    }),
  ]);
  const { ask } = served;
  const response = await ask("/x", {
    headers: {
      "x-correlation-id": "c1",
      "traceparent": `00-${traceId}-00f067aa0ba902b7-01`,
    },
  });
  deepStrictEqual(await response.json(), {
    correlationId: "c1",
    traceId,
    spanId: "00f067aa0ba902b7",
  });
  deepStrictEqual(currentLogFields(), {});
});

Deno.test("handler answers unknown paths with 404 and known ones with 405 and Allow", async () => {
  using served = handlerOf([hello, { ...hello, method: "PUT" }]);
  const { ask } = served;
  const missing = await ask("/nope");
  strictEqual(missing.status, 404);
  strictEqual((await problem(missing)).type, "urn:mainstay:problem:not-found");
  const wrong = await ask("/hello", { method: "DELETE" });
  strictEqual(wrong.status, 405);
  strictEqual(wrong.headers.get("allow"), "GET, HEAD, PUT, OPTIONS");
  const options = await ask("/hello", { method: "OPTIONS" });
  strictEqual(options.status, 204);
  strictEqual(options.headers.get("allow"), "GET, HEAD, PUT, OPTIONS");
  strictEqual((await ask("/hello", { method: "HEAD" })).status, 200);
  strictEqual((await ask("/hello/")).status, 404);
});

Deno.test("handler prefers a literal segment to a parameter, and decodes parameters", async () => {
  const show: Route["handle"] = (_request, { params }) => Response.json(params);
  using served = handlerOf([
    get("/things/:id", show),
    get("/things/live", () => new Response("live")),
    get("/things/:id/parts/:part", show),
  ]);
  const { ask } = served;
  strictEqual(await (await ask("/things/live")).text(), "live");
  deepStrictEqual(await (await ask("/things/a%2Fb%20c?x=1")).json(), {
    id: "a/b c",
  });
  deepStrictEqual(await (await ask("/things/1/parts/2")).json(), {
    id: "1",
    part: "2",
  });
  const broken = await ask("/things/%ff");
  strictEqual(broken.status, 400);
  strictEqual((await problem(broken)).errors[0].pointer, "id");
});

Deno.test("handler turns an OperationalError into its row's problem", async () => {
  using served = handlerOf([
    get("/x", () => {
      throw new OperationalError("toy-broken", "Cannot play: broken", {
        retryAfterMs: 1200,
      });
    }),
  ]);
  const { ask } = served;
  const response = await ask("/x", { headers: { "x-correlation-id": "c9" } });
  strictEqual(response.status, 409);
  strictEqual(response.headers.get("retry-after"), "2");
  deepStrictEqual(await problem(response), {
    type: "urn:mainstay:problem:toy-broken",
    title: "Toy",
    status: 409,
    detail: "Cannot play: broken",
    instance: "c9",
  });
});

Deno.test("handler names every mistake of invalid input", async () => {
  const errors = [{ pointer: "/a", detail: "must be text" }];
  using served = handlerOf([
    get("/x", () => {
      throw new InvalidInput(errors);
    }),
  ]);
  const { ask } = served;
  deepStrictEqual((await problem(await ask("/x"))).errors, errors);
});

Deno.test("handler hides what nobody expected, and logs it once with its stack", async () => {
  for (const thrown of [new Error("s3cret"), "s3cret", undefined]) {
    using served = handlerOf([
      get("/x", () => Promise.reject(thrown)),
    ]);
    const { ask, service } = served;
    const response = await ask("/x", { headers: { "x-correlation-id": "c1" } });
    strictEqual(response.status, 500);
    const text = await response.text();
    ok(!text.includes("s3cret"), text);
    strictEqual(JSON.parse(text).instance, "c1");
    const errors = service.logLines.filter(({ level }) => level === "ERROR");
    strictEqual(errors.length, 1);
    strictEqual(errors[0]!.correlationId, "c1");
    if (thrown instanceof Error) match(String(errors[0]!.stack), /\.ts:/);
  }
});

Deno.test("handler treats an error code without a row as a defect", async () => {
  using served = handlerOf([
    get("/x", () => {
      throw new OperationalError("toString", "Cannot s3cret: x");
    }),
  ]);
  const { ask } = served;
  const response = await ask("/x");
  strictEqual(response.status, 500);
  ok(!(await response.text()).includes("s3cret"));
});

Deno.test("no fact and no cause of a failure reaches a body or header", async () => {
  const secret = fc.stringMatching(/^[a-z]{12,20}$/).map((s) => `s3cret-${s}`);
  await fc.assert(fc.asyncProperty(
    secret,
    fc.constantFrom("toy-broken", "internal", "invalid-input"),
    async (value, code) => {
      using served = handlerOf([
        get("/x", () => {
          throw new OperationalError(code, "Cannot play: broken", {
            facts: { value, nested: { value } },
            cause: new Error(value),
          });
        }),
      ]);
      const { ask } = served;
      const response = await ask("/x");
      const all = [...response.headers].flat().join() + await response.text();
      ok(!all.includes(value), all);
    },
  ));
});

Deno.test("handler refuses a long body before it is read, and while it is", async () => {
  using served = handlerOf([{
    method: "POST",
    path: "/x",
    maxBodyBytes: 10,
    handle: async (_request, context) =>
      new Response(String((await context.body()).byteLength)),
  }]);
  const { ask } = served;
  const post = (body: BodyInit, headers = {}) =>
    ask("/x", { method: "POST", body, headers });
  strictEqual(await (await post("0123456789")).text(), "10");
  const declared = await post("x", { "content-length": "11" });
  strictEqual(declared.status, 413);
  strictEqual(declared.headers.get("connection"), "close");
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(8));
    },
  });
  strictEqual((await post(endless)).status, 413);
  ok(pulled < 6, `${pulled} chunks were read`);
});

Deno.test("handler counts by pattern, and junk under one label value", async () => {
  using served = handlerOf([get("/a/:id", () => new Response("x"))]);
  const { ask, service } = served;
  for (let i = 0; i < 50; i++) {
    await ask(`/a/${i}`);
    await ask(`/junk-${i}`);
    await ask("/a/1", { method: `BREW${i}` });
    await ask(`/junk-${i}`, { method: `BREW${i}` });
  }
  const { body } = await service.kernel.metrics.expose();
  const series = body.split("\n").filter((line) =>
    line.startsWith("http_requests_total{")
  );
  deepStrictEqual(series.toSorted(), [
    'http_requests_total{method="GET",path="/a/:id",status_code="200"} 50',
    'http_requests_total{method="GET",path="unmatched",status_code="404"} 50',
    'http_requests_total{method="OTHER",path="/a/:id",status_code="405"} 50',
    'http_requests_total{method="OTHER",path="unmatched",status_code="404"} 50',
  ]);
  match(
    body,
    /http_request_duration_seconds_count\{method="GET",path="\/a\/:id",status_code="200"\} 50/,
  );
});

Deno.test("handler writes one access line, and samples probes", async () => {
  using served = handlerOf([
    hello,
    get("/livez", () => new Response("ok"), { probe: true }),
  ]);
  const { ask, service } = served;
  await ask("/hello", { headers: { "x-correlation-id": "c1" } });
  for (let i = 0; i < 20; i++) await ask("/livez");
  const lines = service.logLines.map(({ message }) => message);
  deepStrictEqual(lines, ["GET /hello 200", "GET /livez 200"]);
  const { method, route, status, client, correlationId } = service.logLines[0]!;
  deepStrictEqual([method, route, status, client, correlationId], [
    ...["GET", "/hello", 200, "127.0.0.1", "c1"],
  ]);
});

Deno.test("handler limits each client, and never a probe", async () => {
  using served = handlerOf([
    hello,
    get("/livez", () => new Response("ok"), { probe: true }),
  ], { rateLimit: { limit: 2, windowMs: 10_000, nowMs: () => 0 } });
  const { ask } = served;
  strictEqual((await ask("/hello")).headers.get("ratelimit-remaining"), "1");
  strictEqual((await ask("/hello")).status, 200);
  const refused = await ask("/hello");
  strictEqual(refused.status, 429);
  strictEqual(refused.headers.get("retry-after"), "5");
  strictEqual(refused.headers.get("ratelimit-limit"), "2");
  strictEqual(refused.headers.get("ratelimit-remaining"), "0");
  strictEqual((await ask("/nope")).status, 429);
  strictEqual((await ask("/hello", {}, "192.0.2.7")).status, 200);
  for (let i = 0; i < 10; i++) strictEqual((await ask("/livez")).status, 200);
});

Deno.test("handler counts by a proven identity instead of the address", async () => {
  using served = handlerOf([hello], {
    rateLimit: { limit: 1, windowMs: 10_000, nowMs: () => 0 },
    identify: (request) => request.headers.get("x-api-key") ?? undefined,
  });
  const { ask } = served;
  const as = async (key: string) =>
    (await ask("/hello", { headers: { "x-api-key": key } })).status;
  deepStrictEqual([await as("a"), await as("b"), await as("a")], [
    ...[200, 200, 429],
  ]);
});

Deno.test("handler says Connection: close from the moment its service stops", async () => {
  using served = handlerOf([hello]);
  const { ask, service } = served;
  strictEqual((await ask("/hello")).headers.get("connection"), null);
  service.stop.abort();
  strictEqual((await ask("/hello")).headers.get("connection"), "close");
});

Deno.test("cut() answers what is under way with 503 and aborts it", async () => {
  let aborted = false;
  using served = handlerOf([
    get("/slow", (_request, { signal }) => {
      signal.addEventListener("abort", () => aborted = true);
      return new Promise(() => {});
    }),
  ]);
  const { handler, ask } = served;
  const answer = ask("/slow");
  strictEqual(handler.inFlight, 1);
  handler.cut();
  const response = await answer;
  strictEqual(response.status, 503);
  strictEqual(
    (await problem(response)).type.split(":").at(-1),
    "service-stopping",
  );
  ok(aborted);
  strictEqual(handler.inFlight, 0);
});

Deno.test("a client that leaves aborts the signal and is no failure", async () => {
  const client = new AbortController();
  using served = handlerOf([
    get(
      "/slow",
      (_request, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        ),
    ),
  ]);
  const { ask, service } = served;
  const answer = ask("/slow", { signal: client.signal });
  client.abort();
  strictEqual((await answer).status, 499);
  deepStrictEqual(
    service.logLines.filter(({ level }) => level === "ERROR"),
    [],
  );
});

Deno.test("handler adds security headers, and leaves a page's own policy", async () => {
  using served = handlerOf([
    hello,
    get("/page", () =>
      new Response("<p>", {
        headers: { "content-security-policy": "default-src 'self'" },
      })),
    get("/elsewhere", () => Response.redirect("http://localhost/hello")),
  ], { headers: securityHeaders({ secure: true }) });
  const { ask } = served;
  const api = (await ask("/hello")).headers;
  strictEqual(api.get("x-content-type-options"), "nosniff");
  match(api.get("content-security-policy")!, /frame-ancestors 'none'/);
  ok(api.has("strict-transport-security"));
  const page = (await ask("/page")).headers;
  strictEqual(page.get("content-security-policy"), "default-src 'self'");
  const moved = await ask("/elsewhere");
  strictEqual(moved.status, 302);
  ok(moved.headers.has("x-correlation-id"), "an immutable answer lost its ID");
});

Deno.test("handler shows a failure as a page to those who ask for one, with its headers", async () => {
  using served = handlerOf([hello], {
    headers: securityHeaders({ secure: false }),
    problemPage: ({ code, status }) =>
      pageResponse(html`<p>${code}</p>`, { status }),
  });
  const { ask, service } = served;
  const page = await ask("/hello", {
    method: "DELETE",
    headers: { accept: "text/html,*/*;q=0.8" },
  });
  strictEqual(page.status, 405);
  strictEqual(await page.text(), "<p>method-not-allowed</p>");
  strictEqual(page.headers.get("allow"), "GET, HEAD, OPTIONS");
  strictEqual(page.headers.get("referrer-policy"), "same-origin");
  ok(page.headers.has("x-correlation-id"));
  strictEqual(service.logLines.length, 1);
  await problem(await ask("/hello", { method: "DELETE" }));
});

Deno.test("CORS lets named origins in and no other", async () => {
  using served = handlerOf([hello], {
    cors: createCors({ origins: ["https://app.example"], credentials: true }),
  });
  const { ask } = served;
  const from = (origin: string, method = "GET") =>
    ask("/hello", { method, headers: { origin } });
  const good = (await from("https://app.example", "OPTIONS")).headers;
  strictEqual(good.get("access-control-allow-origin"), "https://app.example");
  strictEqual(good.get("access-control-allow-credentials"), "true");
  match(good.get("access-control-allow-methods")!, /GET/);
  strictEqual(good.get("vary"), "Origin");
  const bad = (await from("https://evil.example")).headers;
  strictEqual(bad.get("access-control-allow-origin"), null);
  strictEqual(bad.get("vary"), "Origin");
});

Deno.test("a path that is closed to other origins is closed to named ones too", async () => {
  const closed = get("/closed", () => new Response(), { crossOrigin: false });
  using served = handlerOf([hello, closed], {
    cors: createCors({ origins: ["https://app.example"], credentials: false }),
  });
  const headers = { origin: "https://app.example" };
  for (const method of ["GET", "OPTIONS", "POST"]) {
    const response = await served.ask("/closed", { method, headers });
    strictEqual(response.headers.get("access-control-allow-origin"), null);
    strictEqual(response.headers.get("access-control-allow-methods"), null);
  }
  const open = await served.ask("/hello", { headers });
  strictEqual(
    open.headers.get("access-control-allow-origin"),
    "https://app.example",
  );
});

Deno.test("handler believes X-Forwarded-For of trusted proxies only", async () => {
  using served = handlerOf([
    get(
      "/x",
      (_request, { clientAddress, peerAddress }) =>
        Response.json([clientAddress, peerAddress]),
    ),
  ], { trustedProxies: parseNetworks(["10.0.0.0/8"]) });
  const { ask } = served;
  const headers = { "x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.2" };
  const seen = async (peer: string) =>
    await (await ask("/x", { headers }, peer)).json();
  deepStrictEqual(await seen("10.0.0.1"), ["203.0.113.9", "10.0.0.1"]);
  deepStrictEqual(await seen("::ffff:10.0.0.1"), ["203.0.113.9", "10.0.0.1"]);
  deepStrictEqual(await seen("198.51.100.1"), ["198.51.100.1", "198.51.100.1"]);
});

Deno.test("two routes of the same method and shape are refused", () => {
  const other = get("/a/:y", () => new Response());
  let message = "";
  try {
    handlerOf([get("/a/:x", () => new Response()), other]);
  } catch (failure) {
    message = String(failure);
  }
  match(message, /^TypeError: Cannot serve GET \/a\/:y/);
});
