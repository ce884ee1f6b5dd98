import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
  strictEqual,
} from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { eventually } from "@mainstay/adapters/testing";
import {
  resource,
  resourcePage,
  sessionList,
  statusReport,
  type StatusReportBody,
  userPage,
} from "@mainstay/contracts/identity";
import { addClient, addGrant, addSession } from "../tests/arrange.ts";
import { giveToken } from "../tests/give_token.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

const SCOPES = "read:resource write:resource delete:resource";

/** Calls the resource server's interface with a token. */
function caller({ urls }: StartedIdentity, token?: string) {
  return async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${urls.rs}/api/v1/${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  };
}

const subject = (sub: string, scope = SCOPES) => ({
  claims: { sub, client_id: sub, scope },
});

Deno.test("resources are created once, listed newest first in pages, and deleted by their owner", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  const ann = caller(identity, await giveToken(identity, subject("ann")));
  const ben = caller(identity, await giveToken(identity, subject("ben")));
  const all = caller(
    identity,
    await giveToken(identity, subject("root", `${SCOPES} admin`)),
  );
  const path = "protected/resource";

  const names = ["one", "two", "three", "four", "five"];
  for (const name of names) {
    const { status, body } = await ann("POST", path, { name, content: "…" });
    strictEqual(status, 201);
    const { owner, content } = resource.parse(body);
    assertEquals({ owner, content }, { owner: "ann", content: "…" });
  }
  await ben("POST", path, { name: "ben's" });

  const seen: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const query = next === "" ? "" : `&after=${next}`;
    const { body } = await ann("GET", `${path}?limit=2${query}`);
    const page = resourcePage.parse(body);
    assert(page.resources.length <= 2);
    seen.push(...page.resources.map(({ name }) => name));
    next = page.next;
  }
  assertEquals(seen, names.toReversed());

  const { body: everything } = await all("GET", path);
  strictEqual(everything.resources.length, 6);
  const [mine] = (await ann("GET", path)).body.resources;
  strictEqual((await ben("DELETE", `${path}/${mine.id}`)).status, 404);
  strictEqual((await ann("DELETE", `${path}/${mine.id}`)).status, 204);
  strictEqual((await ann("DELETE", `${path}/${mine.id}`)).status, 404);
  strictEqual((await ann("DELETE", `${path}/..%2f1`)).status, 404);
  const [theirs] = (await ben("GET", path)).body.resources;
  strictEqual((await all("DELETE", `${path}/${theirs.id}`)).status, 204);

  // A repeat whose first answer was lost.
  const given = { id: crypto.randomUUID(), name: "again", content: "1" };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ann("POST", path, given)),
  );
  for (const { status, body } of answers) {
    strictEqual(status, 201);
    assertEquals(body, answers[0]?.body);
  }
  const taken = await ben("POST", path, given);
  strictEqual(taken.status, 400);
  strictEqual(taken.body.errors[0].pointer, "/id");
  const list = await ann("GET", path);
  strictEqual(
    list.body.resources.filter((it: { name: string }) => it.name === "again")
      .length,
    1,
  );
});

Deno.test("a resource with mistakes is refused with all of them; nothing but its SQL is run", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  const ann = caller(identity, await giveToken(identity, subject("ann")));
  const refusals: Array<readonly [unknown, readonly string[]]> = [
    [{}, ["/name"]],
    [{ name: " " }, ["/name"]],
    [{ name: "a\nb", content: "\u0000" }, ["/name", "/content"]],
    [{ name: "a".repeat(201), content: "b".repeat(10_001) }, [
      "/name",
      "/content",
    ]],
    [{ name: "a", id: "1", owner: "ben" }, ["/id", "/owner"]],
    [[], [""]],
  ];
  for (const [body, pointers] of refusals) {
    const answer = await ann("POST", "protected/resource", body);
    strictEqual(answer.status, 400, JSON.stringify(body));
    assertEquals(
      answer.body.errors.map((it: { pointer: string }) => it.pointer),
      pointers,
    );
  }
  for (
    const query of ["limit=0", "limit=101", "after=x", "after=1_'--", "x=1"]
  ) {
    strictEqual((await ann("GET", `protected/resource?${query}`)).status, 400);
  }
  const name = "'; DROP TABLE resources; -- 💾";
  await ann("POST", "protected/resource", { name });
  const { body } = await ann("GET", "protected/resource");
  strictEqual(body.resources[0].name, name);
});

Deno.test("one sees where one is signed in, signs out from afar, and everywhere", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  const { postgres, storage } = identity;
  await addClient(identity);
  const here = await addSession(identity);
  const { rows: [there] } = await postgres.query<{ id: string }>(
    `INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr, user_agent, expires_at)
     VALUES ('\\x01', $1, now(), '1', '{pwd}', 'Firefox', now() + interval '1 hour')
     RETURNING id`,
    [here.userId],
  );
  const stranger = await addSession(identity);
  const tokenOf = async (
    { userId, sessionId }: { userId: string; sessionId?: string },
  ) =>
    await giveToken(identity, {
      claims: { sub: userId, scope: "account" },
      record: {
        userId,
        grantId: await addGrant(identity, {
          userId,
          ...(sessionId === undefined ? {} : { sessionId }),
        }),
        ...(sessionId === undefined ? {} : { sessionId }),
      },
    });
  const mine = caller(identity, await tokenOf(here));
  const other = caller(
    identity,
    await tokenOf({ userId: here.userId, sessionId: there!.id }),
  );
  const device = caller(identity, await tokenOf({ userId: here.userId }));
  const theirs = caller(identity, await tokenOf(stranger));
  const list = async () =>
    sessionList.parse((await mine("GET", "account/sessions")).body).sessions;

  assertEquals(
    (await list()).map(({ id, current }) => [id, current]).toSorted(),
    [[here.sessionId, true], [there!.id, false]].toSorted(),
  );
  strictEqual(
    (await theirs("DELETE", `account/sessions/${there!.id}`)).status,
    404,
  );
  strictEqual((await other("GET", "account/sessions")).status, 200);
  strictEqual(
    (await mine("DELETE", `account/sessions/${there!.id}`)).status,
    204,
  );
  await eventually(
    "its token is refused",
    async () => (await other("GET", "account/sessions")).status === 401,
  );
  strictEqual((await list()).length, 1);
  strictEqual((await device("GET", "account/sessions")).status, 200);

  await postgres.query("ALTER TABLE audit_head RENAME TO hidden");
  strictEqual((await mine("DELETE", "account/sessions")).status, 500);
  await postgres.query("ALTER TABLE hidden RENAME TO audit_head");
  strictEqual((await list()).length, 1, "all of it or nothing");

  const { status, body } = await mine("DELETE", "account/sessions");
  assertEquals({ status, body }, { status: 200, body: { ended: 1 } });
  await eventually(
    "all of one's tokens are refused",
    async () => {
      const answers = await Promise.all(
        [mine, device].map((call) => call("GET", "account/sessions")),
      );
      return answers.every((answer) => answer.status === 401);
    },
  );
  strictEqual((await theirs("GET", "account/sessions")).status, 200);
  const entries = await storage.audit.list({
    limit: 10,
    actor: `user:${here.userId}`,
  });
  assertEquals(entries.map(({ action, subject }) => [action, subject]), [
    ["session.ended_all", `user:${here.userId}`],
    ["session.ended", `user:${here.userId}`],
  ]);

  // A client without a user has no account.
  const client = caller(
    identity,
    await giveToken(identity, { claims: { scope: "account" } }),
  );
  strictEqual((await client("GET", "account/sessions")).status, 403);
});

Deno.test("an administrator lists users and counts what there is; others may not", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  await addSession(identity);
  await addSession(identity);
  const admin = caller(
    identity,
    await giveToken(identity, subject("root", "admin")),
  );
  const other = caller(identity, await giveToken(identity, subject("ann")));

  const first = userPage.parse(
    (await admin("GET", "admin/users?limit=1")).body,
  );
  strictEqual(first.users.length, 1);
  const second = userPage.parse(
    (await admin("GET", `admin/users?after=${first.next}`)).body,
  );
  assertEquals([second.users.length, second.next], [1, null]);
  assert(!JSON.stringify([first, second]).includes("hash"));
  const { body } = await admin("GET", "admin/metrics");
  assertEquals(body, {
    users: 2,
    clients: 0,
    activeSessions: 2,
    activeTokens: 2,
    resources: 0,
  });
  for (const path of ["admin/users", "admin/metrics"]) {
    strictEqual((await other("GET", path)).status, 403);
    strictEqual((await caller(identity)("GET", path)).status, 401);
  }
});

Deno.test("the status tells of every service, keeps a day of it, and goes on without the database", async () => {
  const answer = { ready: true };
  await using watched = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    ({ url }) =>
      new Response("", {
        status: answer.ready && new URL(url).pathname === "/readyz" ? 200 : 503,
      }),
  );
  const env = {
    STATUS_SERVICES: `shop=http://127.0.0.1:${watched.addr.port}`,
    STATUS_INTERVAL: "100ms",
  };
  await using identity = await startIdentity({ servers: ["authz", "rs"], env });
  const status = async (): Promise<StatusReportBody> => {
    const response = await fetch(`${identity.urls.rs}/api/v1/status`);
    strictEqual(response.status, 200);
    return statusReport.parse(await response.json());
  };
  const stateOf = async (name: string) =>
    (await status()).services.find((it) => it.name === name);

  await eventually(
    "the shop is up",
    async () => (await stateOf("shop"))?.state === "up",
  );
  assertEquals((await status()).services.map(({ name }) => name), [
    "authz",
    "idp",
    "rs",
    "spa-rp",
    "shop",
  ]);
  await eventually(
    "those that are not there are down",
    async () =>
      (await stateOf("idp"))?.state === "down" &&
      (await stateOf("authz"))?.state === "up",
  );
  const idp = await stateOf("idp");
  strictEqual(idp?.availability.length, 96);
  strictEqual(idp.availability.at(-1), 0);

  answer.ready = false;
  await eventually(
    "the shop is down",
    async () => (await stateOf("shop"))?.state === "down",
  );
  const share = (await stateOf("shop"))?.availability.at(-1) ?? 0;
  assert(share > 0 && share < 1);
  answer.ready = true;
  await eventually("it is recorded", async () => {
    const { rows } = await identity.postgres.query<{ asked: number }>(
      "SELECT asked FROM service_slots WHERE service = 'shop' AND asked > well AND well > 0",
    );
    return rows.length === 1;
  });

  await identity.server.stop();
  const before = (await status()).checkedAt;
  await eventually("what is seen without the database is shown", async () => {
    answer.ready = false;
    return (await stateOf("shop"))?.state === "down";
  });
  assert((await status()).checkedAt > before);
  const protectedAnswer = await fetch(
    `${identity.urls.rs}/api/v1/protected/resource`,
  );
  strictEqual(protectedAnswer.status, 401);
  await protectedAnswer.body?.cancel();
});

Deno.test("without the database a token that is not at hand is answered with 503, not 401", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  const token = await giveToken(identity);
  await identity.server.stop();
  const { status, headers } = await caller(identity, token)(
    "GET",
    "protected/resource",
  );
  strictEqual(status, 503);
  match(headers.get("retry-after") ?? "", /^\d+$/);
});

Deno.test("without the authorization server's keys, no token can be checked: 503, and the server says what it waits for", async () => {
  await using identity = await startIdentity({ servers: ["rs"] });
  const { urls, log } = identity;
  const { status, body } = await caller(identity, "a.b.c")(
    "GET",
    "protected/resource",
  );
  strictEqual(status, 401);
  strictEqual(body.type, "urn:mainstay:problem:unauthorized");
  const header = btoa(
    JSON.stringify({ alg: "EdDSA", typ: "at+jwt", kid: "1" }),
  );
  const signed = `${header}.${btoa("{}")}.AAAA`.replaceAll("=", "");
  const answer = await caller(identity, signed)("GET", "protected/resource");
  strictEqual(answer.status, 503);
  strictEqual(answer.body.type, "urn:mainstay:problem:identity-unavailable");
  await eventually(
    "it says what it waits for",
    () => log.some((line) => line.includes(`Waiting for ${urls.authz}`)),
  );
  strictEqual((await caller(identity)("GET", "public/health")).status, 503);
});

Deno.test("once it has the keys, the server goes on without the authorization server", async () => {
  await using identity = await startIdentity({ servers: ["rs"] });
  const { urls } = identity;
  const authz = await identity.startServer("authz");
  const ready = async () => {
    const response = await fetch(`${urls.rs}/readyz?verbose`);
    return { status: response.status, text: await response.text() };
  };
  await eventually("it is ready", async () => (await ready()).status === 200);
  const first = await giveToken(identity);
  strictEqual(
    (await caller(identity, first)("GET", "protected/resource")).status,
    200,
  );

  await authz[Symbol.asyncDispose]();
  await eventually(
    "the loss is noticed",
    async () => /authz degraded/.test((await ready()).text),
  );
  strictEqual((await ready()).status, 200);
  const second = await giveToken(identity);
  for (const token of [first, second]) {
    const answer = await caller(identity, token)("GET", "protected/resource");
    strictEqual(answer.status, 200);
  }
});

Deno.test("the interface is described: valid OpenAPI, and a token wherever one is needed", async () => {
  await using identity = await startIdentity({ servers: ["rs"] });
  const response = await fetch(`${identity.urls.rs}/openapi.json`);
  const document = await response.json();
  const { valid, errors } = await new Validator().validate(
    structuredClone(document),
  );
  assert(valid, JSON.stringify(errors));
  const guarded = Object.entries<Record<string, { security?: unknown }>>(
    document.paths,
  ).filter(([path]) => /^\/api\/v1\/(protected|account|admin)\//.test(path));
  strictEqual(guarded.length, 6);
  for (const [path, operations] of guarded) {
    for (const [method, operation] of Object.entries(operations)) {
      if (method === "parameters") continue;
      assertEquals(operation.security, [{ bearer: [] }], `${method} ${path}`);
      const url = `${identity.urls.rs}${path.replace("{id}", "1")}`;
      const answer = await fetch(url, { method: method.toUpperCase() });
      strictEqual(answer.status, 401, `${method} ${path}`);
      await answer.body?.cancel();
    }
  }
});

Deno.test("only the console's scripts may read the answers", async () => {
  await using identity = await startIdentity({ servers: ["authz", "rs"] });
  const { urls } = identity;
  const ask = async (origin: string) => {
    const response = await fetch(`${urls.rs}/api/v1/protected/resource`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "DELETE" },
    });
    await response.body?.cancel();
    return response.headers;
  };
  const ours = await ask(urls.spa);
  strictEqual(ours.get("access-control-allow-origin"), urls.spa);
  match(ours.get("access-control-allow-headers") ?? "", /Authorization/i);
  strictEqual(ours.get("access-control-allow-credentials"), null);
  const others = await ask("https://evil.example");
  strictEqual(others.get("access-control-allow-origin"), null);

  await eventually("it is ready", async () => {
    const { status, body } = await caller(identity)("GET", "public/health");
    if (status !== 200) return false;
    assertEquals(body, { status: "ok" });
    return true;
  });
});
