import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

// With the adapter in memory that it comes with: nothing is kept.
const port = Number(process.argv[2]);
const signing = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  alg,
});
const client = (id) => ({
  client_id: id,
  client_secret: "secret",
  token_endpoint_auth_method: "client_secret_post",
  grant_types: ["client_credentials", "authorization_code"],
  response_types: ["code"],
  redirect_uris: ["https://app.example/cb"],
  id_token_signed_response_alg: "EdDSA",
});
const provider = new Provider(`http://localhost:${port}`, {
  // One is given JWTs, as ours are; only the other's tokens can be introspected.
  clients: [client("jwt"), client("opaque")],
  clientAuthMethods: ["client_secret_post"],
  enabledJWA: { idTokenSigningAlgValues: ["EdDSA", "RS256"] },
  jwks: {
    keys: [
      signing("ed25519", {}, "EdDSA"),
      signing("rsa", { modulusLength: 2048 }, "RS256"),
    ],
  },
  cookies: { keys: ["bench"] },
  scopes: ["openid"],
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id }),
  }),
  // A first-party client: the user is not asked for consent.
  async loadExistingGrant(ctx) {
    const { client, session, provider } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    // The adapter forgets what is older than the last thousand entries.
    const found = known && await provider.Grant.find(known);
    if (found) return found;
    const grant = new provider.Grant({
      clientId: client.clientId,
      accountId: session.accountId,
    });
    grant.addOIDCScope("openid");
    grant.addResourceScope("urn:api", "read:resource");
    await grant.save();
    return grant;
  },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, client) =>
        client.clientId === "jwt" ? "urn:api" : undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "read:resource",
        audience: "urn:api",
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "EdDSA" } },
      }),
    },
  },
});
// Koa tells of every connection that the load drops.
provider.silent = true;
provider.listen(port, "127.0.0.1", () => console.log("ready"));
