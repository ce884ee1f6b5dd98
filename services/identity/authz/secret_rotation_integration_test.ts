import { notStrictEqual, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { addClient, addSession } from "../tests/arrange.ts";
import { authorize, PKCE, postForm } from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a client's secret is rotated with overlap", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { postgres } = identity;
  const first = await addClient(identity, {
    scopes: ["openid", "admin", "read:resource"],
  });
  const rotate = (
    secret: string,
    changes: Record<string, string> = {},
    id = "app",
  ) =>
    postForm(identity, `clients/${id}/rotate-secret`, {
      client_id: "app",
      client_secret: secret,
      ...changes,
    });
  const good = async (secret: string) => {
    const { status } = await postForm(identity, "token", {
      client_id: "app",
      client_secret: secret,
      grant_type: "client_credentials",
      scope: "read:resource",
    });
    return status === 200;
  };

  /** A secret that is good now. */
  const fresh = async () => {
    const secret = newSecret();
    await identity.storage.clients.rotateSecret(
      "app",
      { hash: hashSecret(secret) },
      new Date(),
    );
    return secret;
  };

  await t.step("by itself: the one before is good for a while", async () => {
    const { status, body, text } = await rotate(first);
    strictEqual(status, 200, text);
    const second = body.client_secret;
    notStrictEqual(second, first);
    strictEqual(await good(first), true);
    strictEqual(await good(second), true);
    const { body: again } = await rotate(second);
    strictEqual(await good(first), false, "two at a time");
    strictEqual(await good(second), true);
    const { body: leaked } = await rotate(again.client_secret, {
      overlap_seconds: "0",
    });
    strictEqual(await good(again.client_secret), false);
    strictEqual(await good(second), false);
    strictEqual(await good(leaked.client_secret), true);
    const { rows } = await postgres.query(
      "SELECT FROM audit_log WHERE action = 'client.secret_rotated' AND actor = 'client:app'",
    );
    strictEqual(rows.length, 3);
    const { rows: kept } = await postgres.query(
      "SELECT FROM audit_log WHERE details::text LIKE $1",
      [`%${second}%`],
    );
    strictEqual(kept.length, 0);
  });

  await t.step("by another process", async () => {
    const old = await fresh();
    strictEqual(await good(old), true);
    const secret = newSecret();
    await postgres.query(
      `WITH ended AS (UPDATE client_secrets SET expires_at = now())
       INSERT INTO client_secrets (client_id, secret_hash) VALUES ('app', $1)`,
      [hashSecret(secret)],
    );
    strictEqual(await good(secret), true, "the new one is good at once");
    await eventually("the old one is refused", async () => !await good(old));
  });

  await t.step(
    "refused without its credentials, or with another's",
    async () => {
      strictEqual((await rotate(first)).body.error, "invalid_client");
      const other = await addClient(identity, { id: "other" });
      const { body } = await rotate(other, { client_id: "other" });
      strictEqual(body.error, "unauthorized_client");
      await addClient(identity, { id: "spa", authMethod: "none" });
      const { body: open } = await postForm(
        identity,
        "clients/spa/rotate-secret",
        { client_id: "spa" },
      );
      strictEqual(open.error, "unauthorized_client");
      const { body: long } = await rotate(other, {
        client_id: "other",
        overlap_seconds: "9999999",
      }, "other");
      strictEqual(long.error, "invalid_request");
    },
  );

  await t.step("by an administrator with a token for it alone", async () => {
    const administration = `${identity.urls.authz}/admin/v1`;
    const secret = await addClient(identity, {
      id: "console",
      scopes: ["openid", "admin"],
      audiences: [identity.urls.rs, administration],
    });
    const session = await addSession(identity);
    const tokenFor = async (resource: string) => {
      const { searchParams } = await authorize(identity, session, {
        client_id: "console",
        scope: "openid admin",
        resource,
      });
      const { body } = await postForm(identity, "token", {
        client_id: "console",
        client_secret: secret,
        grant_type: "authorization_code",
        code: searchParams.get("code") ?? "",
        code_verifier: PKCE.verifier,
      });
      return body.access_token;
    };
    const asAdmin = (token: string, id = "app") =>
      postForm(identity, `clients/${id}/rotate-secret`, {}, {
        authorization: `Bearer ${token}`,
      });
    strictEqual((await asAdmin(await tokenFor(administration))).status, 403);
    await postgres.query("UPDATE users SET administrator = true");
    const { status, body } = await asAdmin(await tokenFor(administration));
    strictEqual(status, 200);
    strictEqual(await good(body.client_secret), true);
    // With openid it is for this server too, and the resource server sees it.
    const elsewhere = await tokenFor(identity.urls.rs);
    strictEqual((await asAdmin(elsewhere)).status, 401);
    strictEqual((await asAdmin("a.b.c")).status, 401);
    const missing = await asAdmin(await tokenFor(administration), "nobody");
    strictEqual(missing.body.error, "invalid_request");
    const { body: none } = await postForm(
      identity,
      "clients/spa/rotate-secret",
      {},
      { authorization: `Bearer ${await tokenFor(administration)}` },
    );
    strictEqual(none.error, "invalid_request");
  });
});
