import {
  deepStrictEqual as assertEquals,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { sleep } from "@mainstay/kernel/lifecycle";
import type { NewClient } from "../domain/client_store.ts";
import { addClient, addSession, anyClient } from "../tests/arrange.ts";
import { authorize, PKCE, postForm } from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a refresh token is good once, and its answer for a while", async (t) => {
  await using identity = await startIdentity({
    servers: ["authz"],
    env: { REFRESH_GRACE: "5m" },
  });
  const { postgres } = identity;
  const secret = await addClient(identity);
  const session = await addSession(identity);
  const credentials = { client_id: "app", client_secret: secret };
  const begin = async (changes: Record<string, string> = {}) => {
    const { searchParams } = await authorize(identity, session, changes);
    const { body } = await postForm(identity, "token", {
      ...credentials,
      grant_type: "authorization_code",
      code: searchParams.get("code") ?? "",
      code_verifier: PKCE.verifier,
    });
    return body;
  };
  const refresh = (token: string, changes: Record<string, string> = {}) =>
    postForm(identity, "token", {
      ...credentials,
      grant_type: "refresh_token",
      refresh_token: token,
      ...changes,
    });
  const active = async (token: string) => {
    const { body } = await postForm(identity, "introspect", {
      ...credentials,
      token,
    });
    return body.active;
  };
  /** As if the grace time had passed. */
  const passGrace = () =>
    postgres.query(
      "UPDATE tokens SET consumed_at = consumed_at - interval '1 day' WHERE consumed_at IS NOT NULL",
    );

  await t.step("it gives another one, and new tokens", async () => {
    const first = await begin();
    const { status, body } = await refresh(first.refresh_token);
    strictEqual(status, 200);
    notStrictEqual(body.refresh_token, first.refresh_token);
    notStrictEqual(body.access_token, first.access_token);
    strictEqual(body.scope, first.scope);
    const claims = JSON.parse(atob(body.access_token.split(".")[1]));
    strictEqual(claims.sub, session.userId);
    ok(body.id_token);
    strictEqual(await active(body.access_token), true);
    strictEqual(await active(first.refresh_token), false);
    strictEqual((await refresh(body.refresh_token)).status, 200);
  });

  await t.step(
    "50 uses at once: one rotation, identical answers, then the end",
    async () => {
      const first = await begin();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => refresh(first.refresh_token)),
      );
      const [answer] = answers;
      for (const { status, text } of answers) {
        strictEqual(status, 200);
        strictEqual(text, answer?.text);
      }
      const { access_token, refresh_token } = answer?.body;
      const { rows } = await postgres.query(
        `SELECT FROM tokens WHERE kind = 'refresh' AND grant_id =
         (SELECT grant_id FROM tokens WHERE token_hash = sha256($1))`,
        [new TextEncoder().encode(refresh_token)],
      );
      strictEqual(rows.length, 2, "the first and its one successor");
      strictEqual(await active(access_token), true);
      await passGrace();
      const late = await refresh(first.refresh_token);
      strictEqual(late.status, 400);
      strictEqual(late.body.error, "invalid_grant");
      strictEqual(await active(access_token), false);
      strictEqual(await active(refresh_token), false);
      strictEqual((await refresh(refresh_token)).body.error, "invalid_grant");
    },
  );

  await t.step("no answer is repeated once the grant is revoked", async () => {
    const first = await begin();
    await refresh(first.refresh_token);
    await identity.storage.grants.revoke({ userId: session.userId });
    const again = await refresh(first.refresh_token);
    strictEqual(again.body.error, "invalid_grant");
  });

  await t.step("the database alone gives no answer away", async () => {
    const first = await begin();
    const { body } = await refresh(first.refresh_token);
    const { rows: [row] } = await postgres.query<
      { readonly successor_encrypted: Uint8Array }
    >(
      "SELECT successor_encrypted FROM tokens WHERE token_hash = sha256($1)",
      [new TextEncoder().encode(first.refresh_token)],
    );
    const text = new TextDecoder().decode(row?.successor_encrypted);
    ok(!text.includes(body.access_token));
    ok(!text.includes(body.refresh_token));
  });

  await t.step("scopes can be narrowed, for this answer alone", async () => {
    const first = await begin();
    const narrow = await refresh(first.refresh_token, {
      scope: "read:resource",
    });
    strictEqual(narrow.body.scope, "read:resource");
    strictEqual(narrow.body.id_token, undefined);
    const whole = await refresh(narrow.body.refresh_token);
    strictEqual(whole.body.scope, first.scope);
    const wide = await refresh(whole.body.refresh_token, {
      scope: "openid write:resource",
    });
    strictEqual(wide.body.error, "invalid_scope");
    strictEqual((await refresh(whole.body.refresh_token)).status, 200);
  });

  await t.step(
    "refused to another client, and good yet for its own",
    async () => {
      const other = await addClient(identity, { id: "other" });
      const first = await begin();
      const { body } = await refresh(first.refresh_token, {
        client_id: "other",
        client_secret: other,
      });
      strictEqual(body.error, "invalid_grant");
      strictEqual((await refresh(first.refresh_token)).status, 200);
    },
  );

  await t.step(
    "what the client may not have any more is left out",
    async () => {
      const first = await begin({
        scope: "offline_access read:resource write:resource",
      });
      const change = async (fields: Partial<NewClient>) => {
        await identity.storage.clients.update({ ...anyClient, ...fields });
        // For so long the server remembers clients.
        await sleep(1_100);
      };
      await change({ scopes: ["offline_access", "read:resource"] });
      const wide = { scope: "write:resource" };
      const refused = await refresh(first.refresh_token, wide);
      strictEqual(refused.body.error, "invalid_scope");
      const { body: second } = await refresh(first.refresh_token);
      strictEqual(second.scope, "offline_access read:resource");
      for (
        const fields of [
          { scopes: ["read:resource"] },
          { audiences: ["https://elsewhere.example"] },
        ]
      ) {
        await change(fields);
        const { body } = await refresh(second.refresh_token);
        strictEqual(body.error, "invalid_grant");
      }
      await change({});
      strictEqual((await refresh(second.refresh_token)).status, 200);
    },
  );

  await t.step("refused for what is none", async () => {
    const first = await begin();
    for (const token of ["a".repeat(43), first.access_token]) {
      strictEqual((await refresh(token)).body.error, "invalid_grant");
    }
    strictEqual((await refresh("")).body.error, "invalid_request");
  });

  await t.step("refused once it has expired, or its grant", async () => {
    const first = await begin();
    await postgres.query(
      "UPDATE tokens SET expires_at = now() - interval '1 second' WHERE token_hash = sha256($1)",
      [new TextEncoder().encode(first.refresh_token)],
    );
    const late = await refresh(first.refresh_token);
    strictEqual(late.body.error, "invalid_grant");
    const second = await begin();
    await postgres.query(
      `UPDATE grants SET expires_at = now() + interval '30 seconds' WHERE id =
         (SELECT grant_id FROM tokens WHERE token_hash = sha256($1))`,
      [new TextEncoder().encode(second.refresh_token)],
    );
    const { body } = await refresh(second.refresh_token);
    ok(body.expires_in <= 30, "no token outlives its grant");
  });

  await t.step("refused to a disabled user", async () => {
    const user = await addSession(identity);
    const location = await authorize(identity, user);
    const { body } = await postForm(identity, "token", {
      ...credentials,
      grant_type: "authorization_code",
      code: location.searchParams.get("code") ?? "",
      code_verifier: PKCE.verifier,
    });
    const disable = (at: string) =>
      postgres.query(`UPDATE users SET disabled_at = ${at} WHERE id = $1`, [
        user.userId,
      ]);
    await disable("now()");
    const { body: refused } = await refresh(body.refresh_token);
    strictEqual(refused.error, "invalid_grant");
    await disable("null");
    strictEqual((await refresh(body.refresh_token)).status, 200);
  });

  await t.step(
    "none without offline_access, none without the grant type",
    async () => {
      const online = await begin({ scope: "openid read:resource" });
      strictEqual(online.refresh_token, undefined);
      const grantTypes = ["authorization_code"] as const;
      const codes = await addClient(identity, { id: "codes", grantTypes });
      const location = await authorize(identity, session, {
        client_id: "codes",
      });
      const own = { client_id: "codes", client_secret: codes };
      const { body } = await postForm(identity, "token", {
        ...own,
        grant_type: "authorization_code",
        code: location.searchParams.get("code") ?? "",
        code_verifier: PKCE.verifier,
      });
      strictEqual(body.scope, "openid read:resource");
      strictEqual(body.refresh_token, undefined);
      const { body: refused } = await refresh("a".repeat(43), own);
      strictEqual(refused.error, "unauthorized_client");
    },
  );

  await t.step(
    "tokens are for what the client names, within what was granted",
    async () => {
      const first = await begin({ scope: "offline_access read:resource" });
      const claims = JSON.parse(atob(first.access_token.split(".")[1]));
      assertEquals(claims.aud, [identity.urls.rs]);
      const { body } = await refresh(first.refresh_token, {
        resource: "https://other.example",
      });
      strictEqual(body.error, "invalid_target");
    },
  );
});

Deno.test("without a time of grace a second use is the end at once", async () => {
  await using identity = await startIdentity({
    servers: ["authz"],
    env: { REFRESH_GRACE: "0" },
  });
  const secret = await addClient(identity);
  const session = await addSession(identity);
  const credentials = { client_id: "app", client_secret: secret };
  const { searchParams } = await authorize(identity, session);
  const { body: first } = await postForm(identity, "token", {
    ...credentials,
    grant_type: "authorization_code",
    code: searchParams.get("code") ?? "",
    code_verifier: PKCE.verifier,
  });
  const refresh = (token: string) =>
    postForm(identity, "token", {
      ...credentials,
      grant_type: "refresh_token",
      refresh_token: token,
    });

  const { body: second } = await refresh(first.refresh_token);
  strictEqual((await refresh(first.refresh_token)).status, 400);
  strictEqual((await refresh(second.refresh_token)).status, 400);
});
