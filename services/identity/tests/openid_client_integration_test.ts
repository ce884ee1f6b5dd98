/** Every flow through openid-client, as its users call it. */
import {
  deepStrictEqual as assertEquals,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import {
  createTestAuthority,
  freePort,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import * as client from "openid-client";
import type { NewClient } from "../domain/client_store.ts";
import { newClientSecret } from "../domain/client_secret.ts";
import { addClient, addSession, anyClient } from "./arrange.ts";
import { followAuthorization } from "./browser_trip.ts";
import { newClientKey } from "./client_keys.ts";
import { type StartedIdentity, startIdentity } from "./start_identity.ts";

const REDIRECT_URI = "https://app.example/cb";
const SCOPE = "openid offline_access read:resource";

/** Discovers the server, and takes nothing of it unverified. */
async function discover(
  { urls }: Pick<StartedIdentity, "urls">,
  id: string,
  authentication: client.ClientAuth,
  metadata: Partial<client.ClientMetadata> = {},
): Promise<client.Configuration> {
  return await client.discovery(
    new URL(urls.authz),
    id,
    { id_token_signed_response_alg: "EdDSA", ...metadata },
    authentication,
    {
      execute: [
        client.allowInsecureRequests,
        client.enableNonRepudiationChecks,
      ],
    },
  );
}

/** The code flow, from the client's first request to its tokens. */
async function signIn(
  identity: StartedIdentity,
  config: client.Configuration,
  { par = false, dpop }: {
    readonly par?: boolean;
    readonly dpop?: client.DPoPHandle;
  } = {},
) {
  const session = await addSession(identity);
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const parameters: Record<string, string> = {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  };
  const extra = dpop === undefined ? {} : { DPoP: dpop };
  if (dpop !== undefined) {
    parameters["dpop_jkt"] = await dpop.calculateThumbprint();
  }
  const url = par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, extra)
    : client.buildAuthorizationUrl(config, parameters);
  const back = await followAuthorization(identity, session, url);
  const tokens = await client.authorizationCodeGrant(
    config,
    back,
    {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    },
    undefined,
    extra,
  );
  strictEqual(tokens.claims()?.sub, session.userId);
  return { tokens, session };
}

// The library leaves the empty answer to a revocation unread.
const options: Omit<Deno.TestDefinition, "name" | "fn"> = {
  sanitizeResources: false,
};

Deno.test("openid-client signs users in", options, async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const secret = await addClient(identity);
  const config = await discover(
    identity,
    "app",
    client.ClientSecretPost(secret),
  );

  await t.step("with a code, and renews, asks and revokes", async () => {
    const { tokens } = await signIn(identity, config);
    ok(tokens.refresh_token);
    const renewed = await client.refreshTokenGrant(
      config,
      tokens.refresh_token,
      { scope: "openid read:resource" },
    );
    strictEqual(renewed.scope, "openid read:resource");
    ok(renewed.refresh_token !== tokens.refresh_token);
    const seen = await client.tokenIntrospection(config, renewed.access_token);
    strictEqual(seen.active, true);
    await client.tokenRevocation(config, renewed.refresh_token!);
    const after = await client.tokenIntrospection(config, renewed.access_token);
    strictEqual(after.active, false);
    await rejects(client.refreshTokenGrant(config, renewed.refresh_token!), {
      error: "invalid_grant",
    });
  });
  await t.step("with a pushed request", async () => {
    await signIn(identity, config, { par: true });
  });
  await t.step("with tokens bound to a key", async () => {
    for (const par of [false, true]) {
      const dpop = client.getDPoPHandle(
        config,
        await client.randomDPoPKeyPair("ES256"),
      );
      const { tokens } = await signIn(identity, config, { par, dpop });
      strictEqual(tokens.token_type, "dpop");
      const renewed = await client.refreshTokenGrant(
        config,
        tokens.refresh_token!,
        {},
        { DPoP: dpop },
      );
      const seen = await client.tokenIntrospection(
        config,
        renewed.access_token,
      );
      strictEqual(seen.cnf?.jkt, await dpop.calculateThumbprint());
    }
  });
  await t.step("as a public client", async () => {
    await addClient(identity, { id: "spa", authMethod: "none" });
    const spa = await discover(identity, "spa", client.None());
    const { tokens } = await signIn(identity, spa);
    await client.refreshTokenGrant(spa, tokens.refresh_token!);
  });
  await t.step("with ID tokens of RS256", async () => {
    const rsaSecret = await addClient(identity, {
      id: "rsa",
      idTokenAlg: "RS256",
    });
    const rsa = await discover(
      identity,
      "rsa",
      client.ClientSecretPost(rsaSecret),
      { id_token_signed_response_alg: "RS256" },
    );
    await signIn(identity, rsa, { par: true });
  });
});

Deno.test("openid-client is told the nonce that its proofs must hold", async () => {
  await using identity = await startIdentity({
    servers: ["authz"],
    env: { DPOP_NONCE: "true" },
  });
  const secret = await addClient(identity, { dpopBound: true });
  const config = await discover(
    identity,
    "app",
    client.ClientSecretPost(secret),
  );
  const dpop = client.getDPoPHandle(
    config,
    await client.randomDPoPKeyPair("ES256"),
  );

  const tokens = await client.clientCredentialsGrant(
    config,
    { scope: "read:resource" },
    { DPoP: dpop },
  );

  strictEqual(tokens.token_type, "dpop");
  await rejects(
    client.clientCredentialsGrant(config, { scope: "read:resource" }),
    { error: "invalid_dpop_proof" },
  );
});

async function mtlsPair(folder: string) {
  const authority = createTestAuthority();
  const server = authority.issue({
    subject: [["CN", "localhost"]],
    hosts: ["localhost"],
  });
  const files = { cert: server.cert, key: server.key, ca: authority.cert };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}.pem`, text);
  }
  return authority;
}

/** A client that shows this certificate wherever it goes. */
function fetchWith(ca: string, certificate: TestCertificate) {
  const http = Deno.createHttpClient({ caCerts: [ca], ...certificate });
  return {
    fetch:
      ((url: string, init: RequestInit) =>
        fetch(url, { ...init, client: http })) as client.CustomFetch,
    [Symbol.dispose]: () => http.close(),
  };
}

Deno.test(
  "openid-client shows who it is by every method",
  options,
  async (t) => {
    const folder = await Deno.makeTempDir();
    await using _cleanUp = {
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
    const authority = await mtlsPair(folder);
    const mtlsPort = freePort();
    await using identity = await startIdentity({
      servers: ["authz"],
      env: {
        MTLS_PORT: String(mtlsPort),
        MTLS_URL: `https://localhost:${mtlsPort}`,
        MTLS_CERT_FILE: `${folder}/cert.pem`,
        MTLS_KEY_FILE: `${folder}/key.pem`,
        MTLS_CA_FILE: `${folder}/ca.pem`,
      },
    });
    const exercise = async (config: client.Configuration) => {
      const tokens = await client.clientCredentialsGrant(config, {
        scope: "read:resource",
      });
      const seen = await client.tokenIntrospection(config, tokens.access_token);
      strictEqual(seen.active, true);
      await client.tokenRevocation(config, tokens.access_token);
      await signIn(identity, config, { par: true });
      return seen;
    };
    const add = async (id: string, changes: Partial<NewClient>) =>
      await addClient(identity, { id, ...changes });

    await t.step("client_secret_basic, with an id to encode", async () => {
      const id = "a b+c:d%é";
      const secret = await add(id, { authMethod: "client_secret_basic" });
      await exercise(
        await discover(identity, id, client.ClientSecretBasic(secret)),
      );
    });
    await t.step("client_secret_jwt", async () => {
      const { secret, record } = newClientSecret(
        "client_secret_jwt",
        createKeyEncryption(identity.config.keyEncryptionKeys),
      );
      await identity.storage.clients.create(
        { ...anyClient, id: "hmac", authMethod: "client_secret_jwt" },
        record,
      );
      await exercise(
        await discover(identity, "hmac", client.ClientSecretJwt(secret)),
      );
    });
    await t.step("private_key_jwt", async () => {
      const { privateKey: key, jwk } = await newClientKey("k");
      await add("signer", {
        authMethod: "private_key_jwt",
        jwks: { keys: [jwk] },
      });
      await exercise(
        await discover(
          identity,
          "signer",
          client.PrivateKeyJwt({ key, kid: "k" }),
        ),
      );
    });
    await t.step("tls_client_auth", async () => {
      const subject = [["O", "Acme"], ["CN", "worker"]] as const;
      using shown = fetchWith(authority.cert, authority.issue({ subject }));
      await add("certified", {
        authMethod: "tls_client_auth",
        tlsSubjectDn: "CN=worker,O=Acme",
      });
      const config = await discover(
        identity,
        "certified",
        client.TlsClientAuth(),
        { use_mtls_endpoint_aliases: true },
      );
      config[client.customFetch] = shown.fetch;
      const seen = await exercise(config);
      assertEquals(Object.keys(seen.cnf ?? {}), ["x5t#S256"]);
    });
  },
);
