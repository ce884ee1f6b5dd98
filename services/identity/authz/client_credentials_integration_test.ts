import {
  deepStrictEqual as assertEquals,
  match,
  strictEqual,
} from "node:assert/strict";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { NewClient } from "../domain/client_store.ts";
import { startIdentity } from "../tests/start_identity.ts";

const client: NewClient = {
  id: "worker",
  name: "A worker",
  authMethod: "client_secret_post",
  grantTypes: ["client_credentials"],
  redirectUris: [],
  postLogoutRedirectUris: [],
  scopes: ["read:resource", "write:resource"],
  audiences: [],
  firstParty: false,
  accessTokenAlg: "EdDSA",
  idTokenAlg: "EdDSA",
  requirePar: false,
  dpopBound: false,
  mayIntrospect: false,
};

Deno.test("a client's token is given, decoded, introspected and revoked", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, storage } = identity;
  const secret = newSecret();
  await storage.clients.create(client, { hash: hashSecret(secret) });
  const credentials = { client_id: "worker", client_secret: secret };
  const post = async (path: string, body: Record<string, string>) => {
    const response = await fetch(`${urls.authz}/oauth2/v1/${path}`, {
      method: "POST",
      body: new URLSearchParams({ ...credentials, ...body }),
    });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text) };
  };

  const answer = await post("token", {
    grant_type: "client_credentials",
    scope: "read:resource",
  });

  strictEqual(answer.status, 200);
  const { access_token: token } = answer.body;
  assertEquals({ ...answer.body, access_token: "" }, {
    access_token: "",
    token_type: "Bearer",
    expires_in: 600,
    scope: "read:resource",
  });
  match(token.split(".")[1], /^[A-Za-z0-9]+$/);
  const claims = JSON.parse(atob(token.split(".")[1]));
  strictEqual(claims.iss, urls.authz);
  const good = await post("introspect", { token });
  strictEqual(good.body.active, true);
  strictEqual(good.body.jti, claims.jti);
  strictEqual((await post("revoke", { token })).status, 200);
  assertEquals((await post("introspect", { token })).body, { active: false });
});

Deno.test("a wrong secret is refused in OAuth's own form", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  await identity.storage.clients.create(client, {
    hash: hashSecret(newSecret()),
  });

  const response = await fetch(`${identity.urls.authz}/oauth2/v1/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "worker",
      client_secret: newSecret(),
    }),
  });

  strictEqual(response.status, 401);
  assertEquals(await response.json(), {
    error: "invalid_client",
    error_description:
      "Cannot authenticate the client: its credentials are wrong",
  });
});
