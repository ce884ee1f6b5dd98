// deno-lint-ignore-file no-explicit-any -- the package comes without types
import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import Provider, { errors } from "oidc-provider";

/** A certified authorization server, which keeps all in memory. */
export interface OidcProvider extends AsyncDisposable {
  /** Its issuer. */
  readonly url: string;
}

const { privateKey } = generateKeyPairSync("ed25519");
const client = (id: string) => ({
  client_id: id,
  client_secret: "secret",
  token_endpoint_auth_method: "client_secret_post" as const,
  grant_types: [
    "client_credentials",
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
  ],
  response_types: ["code" as const],
  redirect_uris: [`https://${id}.example/cb`],
  id_token_signed_response_alg: "EdDSA" as const,
});

/** Starts one with the clients `app` and `other`, set up as ours is. */
export async function startOidcProvider(): Promise<OidcProvider> {
  // The port is part of the issuer, and known once something listens on it.
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const url = `http://localhost:${port}`;
  const provider = new Provider(url, {
    clients: [
      client("app"),
      client("other"),
      { ...client("limited"), grant_types: ["authorization_code"] },
    ],
    enabledJWA: { idTokenSigningAlgValues: ["EdDSA"] },
    jwks: {
      keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig" }],
    },
    cookies: { keys: ["test"] },
    scopes: ["openid", "offline_access", "read:resource"],
    findAccount: (_context: any, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id }),
    }),
    async loadExistingGrant({ oidc: { client, session, provider } }: any) {
      const grant = new provider.Grant({
        clientId: client.clientId,
        accountId: session.accountId,
      });
      grant.addOIDCScope("openid offline_access read:resource");
      await grant.save();
      return grant;
    },
    // It drops offline_access where the user is not asked for consent.
    issueRefreshToken: () => true,
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true },
      introspection: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo() {
          throw new errors.InvalidTarget();
        },
      },
      revocation: { enabled: true },
    },
  });
  // It tells of every refusal otherwise.
  provider.silent = true;
  const server = provider.listen(port, "127.0.0.1");
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const address = server.address() as AddressInfo;
  if (address.port !== port) throw new Error("Cannot start: another port");
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
