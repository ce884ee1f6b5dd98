/**
 * Who may ask the events service, what it never tells, and what holds when
 * requests race, on real processes.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  eventually,
  sharedRedis,
  startRedis,
} from "@mainstay/adapters/testing";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { startEvents } from "./start_events.ts";

const redis = await sharedRedis();
const event = {
  event: "order.created",
  aggregateId: "order-1",
  data: { n: 1 },
};
const stream = () => ({ STREAM: `access-${crypto.randomUUID()}` });
const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");

function post(url: string, body: unknown, headers: HeadersInit = {}) {
  return fetch(`${url}/events`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.body?.cancel();
  return response.status;
}

/** Asks for `GET /events` under another name than the address, as DNS rebinding does. */
async function askAs(host: string, url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request =
    `GET /events HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

Deno.test("without keys only this machine may ask, and the log says so", async () => {
  await using service = await startEvents(redis, stream());
  await service.waitForOutput(/WARN.*Only programs on this machine/);
  strictEqual(await statusOf(post(service.url, event)), 202);
  for (
    const headers of [
      { "x-forwarded-for": "203.0.113.9" },
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
    ]
  ) {
    const response = await post(service.url, event, headers);
    const { detail } = await response.json();
    strictEqual(response.status, 403, JSON.stringify(headers));
    ok(/API_KEYS or AUTH_ISSUER/.test(detail));
  }
  const rebound = await askAs("evil.example", service.url);
  ok(/^HTTP\/1.1 403 /.test(rebound) && /loopback name/.test(rebound));
  for (const path of ["/health", "/metrics", "/health/ready"]) {
    const headers = { "x-forwarded-for": "203.0.113.9" };
    strictEqual(await statusOf(fetch(service.url + path, { headers })), 200);
  }
});

Deno.test("without keys another machine is refused", async () => {
  const address = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
  ok(address, "This machine has loopback only");
  await using service = await startEvents(redis, {
    ...stream(),
    SERVICE_HOST: "0.0.0.0",
  });
  const { port } = new URL(service.url);
  const response = await post(`http://${address}:${port}`, event);
  strictEqual(response.status, 403);
  ok(/another machine/.test((await response.json()).detail));
});

Deno.test("keys and tokens open what their scopes say", async () => {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  const jwk = { ...await exportJWK(publicKey), kid: "k1", alg: "EdDSA" };
  await using jwks = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ keys: [jwk] }),
  );
  const issuer = "https://id.example";
  const audience = "https://events.example";
  const token = (scope: string) =>
    new SignJWT({ scope })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: "k1" })
      .setIssuer(issuer).setAudience(audience).setSubject("app")
      .setExpirationTime("5m").sign(privateKey);
  await using service = await startEvents(redis, {
    ...stream(),
    API_KEYS: `writer=${sha256("writer-key")}:publish`,
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: audience,
    AUTH_JWKS_URL: `http://127.0.0.1:${jwks.addr.port}/jwks`,
  });
  const bearer = (credentials: string) => ({
    authorization: `Bearer ${credentials}`,
  });
  const admin = bearer(await token("events:admin"));
  const reader = bearer(await token("events:read"));
  const rows: Array<[number, Promise<Response>]> = [
    [401, post(service.url, event)],
    [401, post(service.url, event, bearer("wrong"))],
    [202, post(service.url, event, bearer("writer-key"))],
    [202, post(service.url, event, { "x-api-key": "writer-key" })],
    [403, fetch(`${service.url}/events`, { headers: bearer("writer-key") })],
    [200, fetch(`${service.url}/events`, { headers: reader })],
    [200, fetch(`${service.url}/groups`, { headers: reader })],
    [403, post(service.url, event, reader)],
    [403, fetch(`${service.url}/dead-letters`, { headers: reader })],
    [200, fetch(`${service.url}/dead-letters`, { headers: admin })],
    [200, fetch(`${service.url}/trigger-test-event`, { method: "POST" })],
  ];
  const statuses = await Promise.all(
    rows.map(([, answer]) => statusOf(answer)),
  );
  deepStrictEqual(statuses, rows.map(([status]) => status));
  const refused = await post(service.url, event);
  strictEqual(refused.headers.get("www-authenticate"), "Bearer");
  await refused.body?.cancel();
});

Deno.test("tokens follow the issuer's keys: away, back, unknown, forged", async () => {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  const other = await generateKeyPair("EdDSA");
  const jwk = { ...await exportJWK(publicKey), kid: "k1", alg: "EdDSA" };
  let up = false;
  let asked = 0;
  await using jwks = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      asked++;
      return up
        ? Response.json({ keys: [jwk] })
        : new Response("down", { status: 500 });
    },
  );
  const issuer = "https://id.example";
  const audience = "https://events.example";
  const token = (
    key: CryptoKey,
    header: { readonly kid: string; readonly typ?: string },
  ) =>
    new SignJWT({ scope: "events:read" })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", ...header })
      .setIssuer(issuer).setAudience(audience).setSubject("app")
      .setExpirationTime("5m").sign(key);
  await using service = await startEvents(redis, {
    ...stream(),
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: audience,
    AUTH_JWKS_URL: `http://127.0.0.1:${jwks.addr.port}/jwks`,
  });
  const ask = (credentials: string) =>
    fetch(`${service.url}/events`, {
      headers: { authorization: `Bearer ${credentials}` },
    });
  const good = await token(privateKey, { kid: "k1" });
  const away = await ask(good);
  deepStrictEqual(
    [away.status, (await away.json()).type],
    [503, "urn:mainstay:problem:identity-unavailable"],
  );
  ok(Number(away.headers.get("retry-after")) >= 1);
  up = true;
  strictEqual(await statusOf(ask(good)), 200);
  up = false;
  strictEqual(await statusOf(ask(good)), 200, "Known keys are enough");
  const before = asked;
  const none = `${btoa('{"alg":"none","typ":"at+jwt"}')}.${good.split(".")[1]}.`
    .replaceAll("=", "");
  for (
    const refused of [
      await token(other.privateKey, { kid: "k1" }),
      await token(other.privateKey, { kid: "k2" }),
      await token(privateKey, { kid: "k1", typ: "JWT" }),
      none,
    ]
  ) strictEqual(await statusOf(ask(refused)), 401);
  ok(asked - before <= 1, "Forged tokens made it ask for keys");
});

Deno.test("no secret reaches a log, a body or a header", async () => {
  const secrets = {
    REDIS_PW: "S3cret-redis-password",
    ADMIN_TOKEN: "S3cret-admin-token-0123456789",
  };
  const key = "S3cret-api-key";
  const hashed = sha256(key);
  await using locked = await startRedis({
    args: ["--requirepass", secrets.REDIS_PW],
  });
  await using service = await startEvents(locked, {
    ...secrets,
    API_KEYS: `ops=${hashed}:publish+read+admin`,
    LOG_LEVEL: "TRACE",
  });
  const seen: string[] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(service.url + path, {
      ...init,
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${key}`,
        ...init.headers,
      },
    });
    seen.push(JSON.stringify([...response.headers]), await response.text());
  };
  const askAll = async () => {
    for (
      const path of [
        "/health",
        "/health/ready",
        "/health-check",
        "/metrics",
        "/openapi.json",
        "/readyz?verbose",
        "/events",
        "/groups",
        "/dead-letters",
        "/nowhere",
        `/events?api_key=${key}`,
      ]
    ) await ask(path);
    await ask("/events", { method: "POST", body: JSON.stringify(event) });
    await ask("/events", { method: "POST", body: `{"password":"${key}"` });
    await ask("/events", {
      method: "POST",
      body: JSON.stringify({ token: key }),
    });
    await ask("/groups", { headers: { authorization: `Basic ${key}` } });
    await ask("/trigger-test-event", { method: "POST" });
  };
  await askAll();
  await locked.kill("SIGKILL");
  await eventually(
    "it is not ready",
    async () => await statusOf(fetch(`${service.url}/health/ready`)) === 503,
  );
  await askAll();
  service.kill("SIGTERM");
  await service.exited;
  const told = [await service.stdout(), await service.stderr(), ...seen]
    .join("\n");
  for (const secret of [...Object.values(secrets), key, hashed]) {
    ok(!told.includes(secret), `It tells ${secret}`);
  }
  ok(!seen.join("\n").includes(String(locked.port)), "It tells where Redis is");
});

Deno.test("requests that race with one key add one event", async () => {
  await using service = await startEvents(redis, stream());
  const publish = (body: unknown) =>
    post(service.url, body, { "idempotency-key": "k-1" });
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => await (await publish(event)).json()),
  );
  strictEqual(new Set(answers.map(({ streamId }) => streamId)).size, 1);
  strictEqual(answers.filter(({ duplicate }) => !duplicate).length, 1);
  strictEqual(await statusOf(publish({ ...event, aggregateId: "other" })), 422);
});

Deno.test("a key is its caller's own", async () => {
  await using service = await startEvents(redis, {
    ...stream(),
    API_KEYS: `a=${sha256("key-a")},b=${sha256("key-b")}`,
  });
  const publish = (apiKey: string, body: unknown) =>
    post(service.url, body, { "x-api-key": apiKey, "idempotency-key": "k-1" });
  strictEqual(await statusOf(publish("key-a", event)), 202);
  const other = await publish("key-b", { ...event, aggregateId: "other" });
  deepStrictEqual([other.status, (await other.json()).duplicate], [202, false]);
  strictEqual(await statusOf(publish("key-a", { ...event, data: {} })), 422);
});

Deno.test("durability=replicated says when no replica has the event", async () => {
  await using service = await startEvents(redis, stream());
  const response = await fetch(`${service.url}/events?durability=replicated`, {
    method: "POST",
    body: JSON.stringify(event),
    headers: { "content-type": "application/json" },
  });
  deepStrictEqual(
    [response.status, (await response.json()).type],
    [504, "urn:mainstay:problem:not-replicated"],
  );
});

Deno.test("shards spread a batch and keep each aggregate in order", async () => {
  await using service = await startEvents(redis, {
    ...stream(),
    STREAM_SHARDS: "4",
  });
  const batch = Array.from({ length: 200 }, (_, n) => ({
    event: "step",
    aggregateId: `a-${n % 10}`,
    data: { n },
  }));
  const { events } = await (await post(service.url, batch)).json();
  ok(events.every(({ status }: { status: number }) => status === 202));
  ok(new Set(events.map(({ shard }: { shard: number }) => shard)).size > 1);
  await eventually(
    "all are processed",
    async () =>
      [...(await service.stdout()).matchAll(/Event processed/g)].length === 200,
  );
  const page = await (await fetch(`${service.url}/events?limit=1000`)).json();
  strictEqual(page.events.length, 200);
  const seen = new Map<string, number>();
  for (const { aggregateId, data } of page.events) {
    ok((seen.get(aggregateId) ?? -1) < data.n);
    seen.set(aggregateId, data.n);
  }
});

Deno.test("a live reader goes on where it was, over several shards", async () => {
  await using service = await startEvents(redis, {
    ...stream(),
    STREAM_SHARDS: "3",
  });
  const publish = (from: number, to: number) =>
    post(
      service.url,
      Array.from({ length: to - from }, (_, i) => ({
        event: "tick",
        aggregateId: `t-${from + i}`,
        data: {},
      })),
    ).then((response) => response.body?.cancel());
  const read = async (count: number, lastId: string) => {
    const leave = new AbortController();
    const response = await fetch(`${service.url}/events/live?from=0-0`, {
      headers: lastId === "" ? {} : { "last-event-id": lastId },
      signal: leave.signal,
    });
    let text = "";
    const ids: string[] = [];
    for await (
      const part of response.body!.pipeThrough(new TextDecoderStream())
    ) {
      text += part;
      const found = [
        ...text.matchAll(/^id: (.*)\ndata: .*"aggregateId":"([^"]+)".*\n\n/gm),
      ];
      ids.splice(0, ids.length, ...found.map(([, , id = ""]) => id));
      lastId = found.at(count - 1)?.[1] ?? lastId;
      if (ids.length >= count) break;
    }
    leave.abort();
    return { ids: ids.slice(0, count), lastId };
  };
  await publish(0, 30);
  const first = await read(13, "");
  await publish(30, 40);
  const second = await read(27, first.lastId);
  deepStrictEqual(
    [...first.ids, ...second.ids].toSorted(),
    Array.from({ length: 40 }, (_, n) => `t-${n}`).toSorted(),
  );
});

Deno.test("a live reader that leaves before its first event misses none", async () => {
  await using service = await startEvents(redis, stream());
  const listen = async (headers: HeadersInit, until: RegExp) => {
    const leave = new AbortController();
    const response = await fetch(`${service.url}/events/live`, {
      headers,
      signal: leave.signal,
    });
    let text = "";
    for await (
      const part of response.body!.pipeThrough(new TextDecoderStream())
    ) {
      text += part;
      if (until.test(text)) break;
    }
    leave.abort();
    return until.exec(text)?.[1] ?? "";
  };
  const position = await listen({}, /^id: (.+)\n\n/m);
  const { streamId } = await (await post(service.url, event)).json();
  const seen = await listen(
    { "last-event-id": position },
    /^id: (.+)\ndata: .+\n\n/m,
  );
  strictEqual(seen, streamId);
});
