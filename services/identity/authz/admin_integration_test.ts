import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  auditPage,
  client,
  clientPage,
  createdClient,
  endedSessions,
  rotatedSecret,
  sessionPage,
  signingKeys,
  user,
  userPage,
} from "@mainstay/contracts/identity_admin";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { z } from "zod";
import { eventually } from "@mainstay/adapters/testing";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { verifyAuditChain } from "../domain/audit_chain.ts";
import { addClient, addGrant } from "../tests/arrange.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

/** A client that acts for itself with the scope admin, and its token. */
async function adminToken(
  { storage, urls }: StartedIdentity,
  { audiences, scopes }: {
    readonly audiences: readonly string[];
    readonly scopes: readonly string[];
  },
): Promise<string> {
  const id = newSecret();
  const secret = await addClient({ storage }, { id, audiences, scopes });
  const response = await fetch(`${urls.authz}/oauth2/v1/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: id,
      client_secret: secret,
    }),
  });
  const { access_token: token } = await response.json();
  return token;
}

/** What the contract promises of an answer. */
function schemaOf(method: string, path: string): z.ZodType {
  const [, things = "", id, what] = /^(\w+)(?:\/([^/?]+))?(?:\/([\w-]+))?/
    .exec(path) ?? [];
  if (method === "DELETE") return endedSessions;
  if (things === "keys") return signingKeys;
  if (what === "sessions" || things === "sessions") return sessionPage;
  if (what === "rotate-secret") return rotatedSecret;
  if (things === "audit") return auditPage;
  if (things === "clients") {
    return id === undefined
      ? method === "POST" ? createdClient : clientPage
      : client;
  }
  return id === undefined && method === "GET" ? userPage : user;
}

Deno.test("operators administer over HTTP", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, storage } = identity;
  const token = await adminToken(identity, {
    audiences: [`${urls.authz}/admin/v1`],
    scopes: ["admin"],
  });
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    bearer: string | undefined = token,
  ) => {
    const response = await fetch(`${urls.authz}/admin/v1/${path}`, {
      method,
      headers: {
        ...(bearer === "" ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (response.ok) schemaOf(method, path).parse(answer);
    return { response, status: response.status, body: answer };
  };

  await t.step(
    "only a token for the administration alone with the scope opens it",
    async () => {
      const elsewhere = await adminToken(identity, {
        audiences: [urls.rs],
        scopes: ["admin"],
      });
      const forIssuer = await adminToken(identity, {
        audiences: [urls.authz],
        scopes: ["admin"],
      });
      const shared = await adminToken(identity, {
        audiences: [urls.rs, `${urls.authz}/admin/v1`],
        scopes: ["admin"],
      });
      const weak = await adminToken(identity, {
        audiences: [`${urls.authz}/admin/v1`],
        scopes: ["read:resource"],
      });
      for (
        const [bearer, status] of [
          ["", 401],
          ["nonsense", 401],
          [elsewhere, 401],
          [forIssuer, 401],
          [shared, 401],
          [weak, 403],
          [token, 200],
        ] as const
      ) {
        for (const path of ["clients", "users", "sessions", "keys", "audit"]) {
          const answer = await send("GET", path, undefined, bearer);
          strictEqual(answer.status, status, path);
          if (status === 200) continue;
          strictEqual(
            answer.response.headers.get("content-type"),
            "application/problem+json",
          );
          if (status === 401) {
            ok(answer.response.headers.has("www-authenticate"));
          }
        }
      }
    },
  );

  await t.step("of two changes at once neither undoes the other", async () => {
    const { body: { client } } = await send("POST", "clients", {
      name: "Shared",
      grantTypes: ["client_credentials"],
      scopes: ["read:resource", "admin"],
    });
    const path = `clients/${client.id}`;
    const { changes } = await identity.postgres.transaction(async (held) => {
      // Both can read the client now, and neither can write it.
      await held.query("SELECT FROM clients WHERE id = $1 FOR SHARE", [
        client.id,
      ]);
      const changes = Promise.all([
        send("PATCH", path, { scopes: ["read:resource"] }),
        send("PATCH", path, { name: "Renamed" }),
      ]);
      await eventually("both wait", async () => {
        const { rows } = await identity.postgres.query(
          `SELECT FROM pg_stat_activity
           WHERE wait_event_type = 'Lock' AND query LIKE '%clients%'`,
        );
        return rows.length === 2;
      });
      return { changes };
    });
    await changes;
    const { body } = await send("GET", path);
    assertEquals([body.name, body.scopes], ["Renamed", ["read:resource"]]);
  });

  await t.step("what cannot be kept is refused in words", async () => {
    for (
      const path of [
        "users/%00",
        "clients/a%00b",
        "users?after=a%00",
        "audit?actor=%00",
      ]
    ) {
      const { status } = await send("GET", path);
      strictEqual(status, 400, path);
    }
  });

  await t.step(
    "a client is registered, changed, rotated and disabled",
    async () => {
      const made = await send("POST", "clients", {
        name: "Reports",
        grantTypes: ["client_credentials"],
        scopes: ["read:resource"],
        authMethod: "client_secret_post",
      });
      strictEqual(made.status, 201);
      strictEqual(made.response.headers.get("cache-control"), "no-store");
      const { client: { id }, secret } = made.body;
      const get = (clientSecret: string) =>
        fetch(`${urls.authz}/oauth2/v1/token`, {
          method: "POST",
          body: new URLSearchParams({
            grant_type: "client_credentials",
            client_id: id,
            client_secret: clientSecret,
          }),
        });
      const given = await (await get(secret)).json();
      ok(given.access_token);

      const changed = await send("PATCH", `clients/${id}`, { name: "Report" });
      assertEquals([changed.body.name, changed.body.scopes], [
        "Report",
        ["read:resource"],
      ]);
      const rotated = await send("POST", `clients/${id}/rotate-secret`, {
        overlapSeconds: 0,
      });
      strictEqual((await get(secret)).status, 401);
      strictEqual((await get(rotated.body.secret)).status, 200);

      const disabled = await send("PATCH", `clients/${id}`, { disabled: true });
      ok(disabled.body.disabledAt);
      strictEqual((await get(rotated.body.secret)).status, 401);
      const record = await storage.tokens.find(hashSecret(given.access_token));
      ok(record?.revokedAt, "what it was given is revoked");
    },
  );

  await t.step("all mistakes are named", async () => {
    const wrong = await send("POST", "clients", {
      name: "App",
      authMethod: "none",
      grantTypes: ["client_credentials", "authorization_code"],
      redirectUris: ["https://a.example/cb", "http://a.example/cb"],
    });
    strictEqual(wrong.status, 400);
    assertEquals(
      wrong.body.errors.map(({ pointer }: { pointer: string }) => pointer),
      ["/redirectUris/1", "/grantTypes"],
    );
    const shape = await send("POST", "clients", { nam: "App", scopes: "a" });
    strictEqual(shape.status, 400);
    const details = JSON.stringify(shape.body.errors);
    match(details, /\/name.*Missing/);
    match(details, /\/nam"[^}]*did you mean name/);
    match(details, /\/scopes"[^}]*Expected a list/);
    strictEqual((await send("GET", "clients?limt=1")).status, 400);
    strictEqual((await send("GET", "clients?limit=0")).status, 400);
    strictEqual((await send("GET", "clients/nobody")).status, 404);
    strictEqual((await send("PATCH", "users/nobody", {})).status, 404);
    strictEqual((await send("DELETE", "users/nobody/sessions")).status, 404);
    strictEqual((await send("DELETE", "sessions/x")).status, 404);
  });

  await t.step(
    "an account is made, and its sessions end with a new password",
    async () => {
      const made = await send("POST", "users", {
        username: "Mia",
        password: "a long enough secret",
      });
      strictEqual(made.status, 201);
      const { id } = made.body;
      ok(!JSON.stringify(made.body).includes("argon2"));
      strictEqual(
        (await send("POST", "users", { username: "mia" })).status,
        409,
      );
      strictEqual(
        (await send("PATCH", `users/${id}`, { password: "short" })).status,
        422,
      );
      const signIn = () =>
        storage.sessions.create({
          userId: id,
          authTime: new Date(),
          acr: "1",
          amr: ["pwd"],
          expiresAt: new Date(Date.now() + 60_000),
        }, hashSecret(newSecret()));
      await signIn();
      await signIn();
      const { sessions } = (await send("GET", "sessions")).body;
      strictEqual(sessions.length, 2);
      const ended = await send("DELETE", `sessions/${sessions[0].id}`);
      assertEquals(ended.body, { ended: 1 });
      const own = await send("GET", `users/${id}/sessions`);
      assertEquals(
        own.body.sessions.map(({ id }: { id: string }) => id),
        [sessions[1].id],
      );
      await addClient(identity);
      const grantId = await addGrant(identity, { userId: id });
      const all = await send("DELETE", `users/${id}/sessions`);
      assertEquals(all.body, { ended: 1 });
      strictEqual(
        await storage.grants.revoke({ grantId }),
        0,
        "what a device has ends with them",
      );
      await signIn();
      await send("PATCH", `users/${id}`, { password: "another long secret" });
      assertEquals((await send("GET", "sessions")).body.sessions, []);
    },
  );

  await t.step("lists go by pages", async () => {
    for (const username of ["adam", "bea", "cora"]) {
      await send("POST", "users", { username });
    }
    const names: string[] = [];
    let after: string | null = "";
    while (after !== null) {
      const query: string = after === "" ? "" : `&after=${after}`;
      const page = await send("GET", `users?limit=2${query}`);
      for (const { username } of page.body.users) names.push(username);
      after = page.body.next;
    }
    assertEquals(names, ["adam", "bea", "cora", "mia"]);
    const first = await send("GET", "audit?limit=1");
    const second = await send("GET", `audit?limit=1&after=${first.body.next}`);
    strictEqual(second.body.entries[0].seq, first.body.entries[0].seq - 1);
  });

  await t.step(
    "a leaked key is taken back",
    async () => {
      const before = (await send("GET", "keys")).body.keys;
      const rotated = await send("POST", "keys/rotate", { compromised: true });
      const states = rotated.body.keys.map(({ state }: { state: string }) =>
        state
      );
      strictEqual(states.filter((one: string) => one === "signing").length, 2);
      strictEqual(
        states.filter((one: string) => one === "expired").length,
        before.length,
      );
    },
  );

  await t.step("every change is written down with who did it", async () => {
    const { entries } = (await send("GET", "audit?limit=1000")).body;
    const actions = new Set(
      entries.filter(({ actor }: { actor: string }) =>
        actor.startsWith("client:")
      ).map(({ action }: { action: string }) => action),
    );
    for (
      const action of [
        ...["client.created", "client.updated", "client.disabled"],
        ...["client.secret_rotated", "user.created", "user.password_set"],
        ...["session.ended", "key.created", "key.retired"],
      ]
    ) ok(actions.has(action), action);
    const text = JSON.stringify(entries);
    ok(!text.includes("secret_hash") && !text.includes("long enough"));
    const head = await storage.audit.head();
    const verdict = await verifyAuditChain(storage.audit.walk(head.seq), head);
    ok(verdict.intact);
  });

  await t.step("OpenAPI describes it", async () => {
    const document = await (await fetch(`${urls.authz}/openapi.json`)).json();
    ok(document.paths["/admin/v1/clients/{id}"].patch.requestBody);
    const { valid, errors } = await new Validator().validate(document);
    ok(valid, JSON.stringify(errors));
  });
});
