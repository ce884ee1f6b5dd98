import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { hashUserCode } from "../domain/user_code.ts";
import { addClient, addSession } from "../tests/arrange.ts";
import { postForm } from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

Deno.test("a device is approved elsewhere", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, postgres, storage } = identity;
  await addClient(identity, { id: "tv", authMethod: "none" });
  const otherSecret = await addClient(identity, { id: "other" });
  const session = await addSession(identity);
  const begin = async (changes: Record<string, string> = {}) => {
    const { status, body, text } = await postForm(
      identity,
      "device_authorization",
      {
        client_id: "tv",
        scope: "openid offline_access read:resource",
        ...changes,
      },
    );
    strictEqual(status, 200, text);
    return body;
  };
  const poll = (device_code: string, changes: Record<string, string> = {}) =>
    postForm(identity, "token", {
      client_id: "tv",
      grant_type: GRANT,
      device_code,
      ...changes,
    });
  const decide = (userCode: string, yes = true) =>
    storage.devices.decide(
      hashUserCode(userCode),
      yes
        ? {
          approved: {
            ...session,
            authTime: new Date(),
            acr: "1",
            amr: ["pwd"],
            scopes: ["openid", "offline_access", "read:resource"],
          },
        }
        : { refused: "access_denied" },
      new Date(Date.now() + 3_600_000),
    );
  /** As if the device had waited. */
  const wait = () =>
    postgres.query(
      "UPDATE device_authorizations SET last_polled_at = last_polled_at - interval '1 hour'",
    );

  await t.step("it asks until its user has decided", async () => {
    const codes = await begin();
    match(codes.user_code, /^[A-Z]{4}-[A-Z]{4}$/);
    strictEqual(codes.verification_uri, `${urls.idp}/oidc/v1/device`);
    strictEqual(codes.interval, 5);
    const hash = hashUserCode(codes.user_code);
    const found = await storage.devices.findByUserCode(hash);
    strictEqual(found?.clientId, "tv");
    const pending = await poll(codes.device_code);
    strictEqual(pending.status, 400);
    strictEqual(pending.body.error, "authorization_pending");
    strictEqual(await decide(codes.user_code), true);
    strictEqual(await decide(codes.user_code), false, "decided before");
    strictEqual(await storage.devices.findByUserCode(hash), undefined);
    await wait();
    const { status, body, text } = await poll(codes.device_code);
    strictEqual(status, 200, text);
    strictEqual(body.scope, "openid offline_access read:resource");
    ok(body.refresh_token && body.id_token);
    const claims = JSON.parse(atob(body.access_token.split(".")[1]));
    strictEqual(claims.sub, session.userId);
    const refreshed = await postForm(identity, "token", {
      client_id: "tv",
      grant_type: "refresh_token",
      refresh_token: body.refresh_token,
    });
    strictEqual(refreshed.status, 200);
    await wait();
    strictEqual((await poll(codes.device_code)).body.error, "invalid_grant");
  });

  await t.step("who asks too often waits longer", async () => {
    const codes = await begin();
    await poll(codes.device_code);
    for (const interval of [10, 15]) {
      const { body } = await poll(codes.device_code);
      strictEqual(body.error, "slow_down");
      const { rows: [row] } = await postgres.query<
        { readonly interval_s: number }
      >(
        "SELECT interval_s FROM device_authorizations WHERE device_hash = sha256($1)",
        [new TextEncoder().encode(codes.device_code)],
      );
      strictEqual(row?.interval_s, interval);
    }
    await decide(codes.user_code);
    strictEqual((await poll(codes.device_code)).body.error, "slow_down");
    await wait();
    strictEqual((await poll(codes.device_code)).status, 200);
  });

  await t.step(
    "of 50 approvals at once one counts, and makes one grant",
    async () => {
      const codes = await begin();
      const count = async () => {
        const { rows } = await postgres.query("SELECT FROM grants");
        return rows.length;
      };
      const before = await count();
      const decisions = await Promise.all(
        Array.from({ length: 50 }, () => decide(codes.user_code)),
      );
      strictEqual(decisions.filter(Boolean).length, 1);
      strictEqual(await count(), before + 1);
    },
  );

  await t.step("of 50 redemptions at once one succeeds", async () => {
    const codes = await begin();
    await decide(codes.user_code);
    const redemptions = await Promise.all(
      Array.from({ length: 50 }, () => poll(codes.device_code)),
    );
    const good = redemptions.filter(({ status }) => status === 200);
    strictEqual(good.length, 1);
    // Past the limit of its pace, too.
    const other = await begin();
    await decide(other.user_code);
    const { rows: [row] } = await postgres.query<
      { readonly device_hash: Uint8Array }
    >(
      "SELECT device_hash FROM device_authorizations WHERE approved AND consumed_at IS NULL",
    );
    const redeemed = await Promise.all(
      Array.from(
        { length: 50 },
        () =>
          storage.devices.redeem(row!.device_hash, [{
            hash: crypto.getRandomValues(new Uint8Array(32)),
            kind: "access",
            jti: crypto.randomUUID(),
            clientId: "tv",
            scopes: [],
            audiences: [],
            issuedAt: new Date(),
            expiresAt: new Date(),
          }]),
      ),
    );
    strictEqual(redeemed.filter(Boolean).length, 1);
  });

  await t.step("refused: the user has declined", async () => {
    const codes = await begin();
    strictEqual(await decide(codes.user_code, false), true);
    strictEqual((await poll(codes.device_code)).body.error, "access_denied");
  });
  await t.step("refused: it has expired", async () => {
    const codes = await begin();
    await postgres.query("UPDATE device_authorizations SET expires_at = now()");
    strictEqual((await poll(codes.device_code)).body.error, "expired_token");
    strictEqual(await decide(codes.user_code), false);
  });
  await t.step("refused: another client's device code", async () => {
    const codes = await begin();
    await decide(codes.user_code);
    const stolen = await poll(codes.device_code, {
      client_id: "other",
      client_secret: otherSecret,
    });
    strictEqual(stolen.body.error, "invalid_grant");
    strictEqual((await poll(codes.device_code)).status, 200, "it is good yet");
  });
  await t.step("without a scope it asks for all that it may", async () => {
    const { body } = await postForm(identity, "device_authorization", {
      client_id: "tv",
    });
    const hash = hashUserCode(body.user_code);
    const device = await storage.devices.findByUserCode(hash);
    const client = await storage.clients.find("tv");
    deepStrictEqual(device?.scopes, client?.scopes);
  });
  await t.step("refused: the grant is revoked", async () => {
    const codes = await begin();
    await decide(codes.user_code);
    await storage.grants.revoke({ userId: session.userId });
    strictEqual((await poll(codes.device_code)).body.error, "invalid_grant");
  });
  await t.step(
    "refused: a code that is none, or a scope that it may not have",
    async () => {
      strictEqual((await poll("a".repeat(43))).body.error, "invalid_grant");
      strictEqual((await poll("")).body.error, "invalid_request");
      const { body: wide } = await postForm(identity, "device_authorization", {
        client_id: "tv",
        scope: "admin",
      });
      strictEqual(wide.error, "invalid_scope");
      await addClient(identity, {
        id: "codes",
        grantTypes: [],
        authMethod: "none",
      });
      const { body } = await postForm(identity, "device_authorization", {
        client_id: "codes",
        scope: "openid",
      });
      strictEqual(body.error, "unauthorized_client");
    },
  );
});
