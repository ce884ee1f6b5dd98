/** Every flow through oauth4webapi, which takes no answer that a specification does not allow. */
import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { hashUserCode } from "../domain/user_code.ts";
import { addClient, addSession } from "./arrange.ts";
import { followAuthorization } from "./browser_trip.ts";
import { newClientKey } from "./client_keys.ts";
import { type StartedIdentity, startIdentity } from "./start_identity.ts";

const REDIRECT_URI = "https://app.example/cb";
const SCOPE = "openid offline_access read:resource";
const insecure = { [oauth.allowInsecureRequests]: true };

interface Party {
  readonly as: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly auth: oauth.ClientAuth;
}

async function discover(
  { urls }: Pick<StartedIdentity, "urls">,
  algorithm: "oauth2" | "oidc",
): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(urls.authz);
  const response = await oauth.discoveryRequest(issuer, {
    algorithm,
    ...insecure,
  });
  return await oauth.processDiscoveryResponse(issuer, response);
}

function newProver(
  client: oauth.Client,
  keys: oauth.CryptoKeyPair,
): oauth.DPoPHandle {
  return oauth.DPoP(client, keys);
}

/** The code flow; each answer is judged by the library. */
async function signIn(
  identity: StartedIdentity,
  { as, client, auth }: Party,
  { prover }: { readonly prover?: oauth.DPoPHandle } = {},
) {
  const session = await addSession(identity);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const options = { ...insecure, ...(prover && { DPoP: prover }) };
  const pushed = await oauth.processPushedAuthorizationResponse(
    as,
    client,
    await oauth.pushedAuthorizationRequest(
      as,
      client,
      auth,
      new URLSearchParams({
        response_type: "code",
        redirect_uri: REDIRECT_URI,
        scope: SCOPE,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        max_age: "600",
        state,
        nonce,
      }),
      options,
    ),
  );
  const url = new URL(as.authorization_endpoint!);
  url.searchParams.set("client_id", client.client_id);
  url.searchParams.set("request_uri", pushed.request_uri);
  const back = await followAuthorization(identity, session, url);
  const answer = oauth.validateAuthResponse(as, client, back, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    auth,
    answer,
    REDIRECT_URI,
    verifier,
    options,
  );
  const result = await oauth.processAuthorizationCodeResponse(
    as,
    client,
    response,
    { expectedNonce: nonce, maxAge: 600, requireIdToken: true },
  );
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  strictEqual(oauth.getValidatedIdTokenClaims(result)?.sub, session.userId);
  return { result, session };
}

/** What a resource server finds in a token that has come to it. */
async function claimsOf(
  as: oauth.AuthorizationServer,
  audience: string,
  { token, prover }: {
    readonly token: string;
    readonly prover?: oauth.DPoPHandle;
  },
): Promise<oauth.JWTAccessTokenClaims> {
  const url = new URL(`${audience}/api/v1/protected/resource`);
  let seen: Request | undefined;
  await oauth.protectedResourceRequest(token, "GET", url, undefined, null, {
    ...insecure,
    ...(prover && { DPoP: prover }),
    [oauth.customFetch]: (address, { method, headers }) => {
      seen = new Request(address, { method, headers });
      return Promise.resolve(new Response());
    },
  });
  return await oauth.validateJwtAccessToken(as, seen!, audience, {
    ...insecure,
    requireDPoP: prover !== undefined,
  });
}

async function renew(
  { as, client, auth }: Party,
  refreshToken: string,
  prover?: oauth.DPoPHandle,
) {
  const response = await oauth.refreshTokenGrantRequest(
    as,
    client,
    auth,
    refreshToken,
    { ...insecure, ...(prover && { DPoP: prover }) },
  );
  return await oauth.processRefreshTokenResponse(as, client, response);
}

Deno.test("oauth4webapi finds nothing to refuse", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const secret = await addClient(identity);
  const as = await discover(identity, "oidc");
  const web: Party = {
    as,
    client: {
      client_id: "app",
      id_token_signed_response_alg: "EdDSA",
      require_auth_time: true,
    },
    auth: oauth.ClientSecretPost(secret),
  };

  await t.step("in either discovery document", async () => {
    const { userinfo_endpoint } = await discover(identity, "oidc");
    ok(userinfo_endpoint);
    const plain = await discover(identity, "oauth2");
    strictEqual(plain.token_endpoint, as.token_endpoint);
    strictEqual(plain.authorization_response_iss_parameter_supported, true);
  });
  await t.step("in a sign-in, its renewal and its end", async () => {
    const { result } = await signIn(identity, web);
    const claims = await claimsOf(as, identity.urls.rs, {
      token: result.access_token,
    });
    strictEqual(claims.client_id, "app");
    const renewed = await renew(web, result.refresh_token!);
    const revocation = await oauth.revocationRequest(
      as,
      web.client,
      web.auth,
      renewed.refresh_token!,
      insecure,
    );
    await oauth.processRevocationResponse(revocation);
    await revocation.body?.cancel();
    const asked = await oauth.introspectionRequest(
      as,
      web.client,
      web.auth,
      renewed.access_token,
      insecure,
    );
    const seen = await oauth.processIntrospectionResponse(
      as,
      web.client,
      asked,
    );
    assertEquals(seen, { active: false });
  });
  await t.step("with tokens bound to a key, of a public client", async () => {
    await addClient(identity, { id: "spa", authMethod: "none" });
    const spa: Party = {
      as,
      client: { client_id: "spa", id_token_signed_response_alg: "EdDSA" },
      auth: oauth.None(),
    };
    for (const alg of ["ES256", "Ed25519"]) {
      const keys = await oauth.generateKeyPair(alg);
      const prover = newProver(spa.client, keys);
      const { result } = await signIn(identity, spa, { prover });
      strictEqual(result.token_type, "dpop");
      const claims = await claimsOf(as, identity.urls.rs, {
        token: result.access_token,
        prover,
      });
      strictEqual(claims.cnf?.jkt, await prover.calculateThumbprint());
      await renew(spa, result.refresh_token!, prover);
    }
  });
  await t.step("for a client of its own, known by a key", async () => {
    const { privateKey: key, jwk } = await newClientKey("k");
    await addClient(identity, {
      id: "signer",
      authMethod: "private_key_jwt",
      jwks: { keys: [jwk] },
    });
    const client = { client_id: "signer" };
    const auth = oauth.PrivateKeyJwt({ key, kid: "k" });
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      client,
      auth,
      { scope: "read:resource", resource: identity.urls.rs },
      insecure,
    );
    const result = await oauth.processClientCredentialsResponse(
      as,
      client,
      response,
    );
    const { sub } = await claimsOf(as, identity.urls.rs, {
      token: result.access_token,
    });
    strictEqual(sub, "signer");
  });
  await t.step("on a device", async () => {
    const { client, auth } = web;
    const begun = await oauth.processDeviceAuthorizationResponse(
      as,
      client,
      await oauth.deviceAuthorizationRequest(
        as,
        client,
        auth,
        { scope: SCOPE },
        insecure,
      ),
    );
    const session = await addSession(identity);
    const approval = {
      ...session,
      authTime: new Date(),
      acr: "1",
      amr: ["pwd"],
      scopes: SCOPE.split(" "),
    };
    await identity.storage.devices.decide(
      hashUserCode(begun.user_code),
      { approved: approval },
      new Date(Date.now() + 60_000),
    );
    const response = await oauth.deviceCodeGrantRequest(
      as,
      client,
      auth,
      begun.device_code,
      insecure,
    );
    const result = await oauth.processDeviceCodeResponse(as, client, response);
    ok(result.refresh_token);
  });
  await t.step("in a refusal", async () => {
    const wrong = { ...web, auth: oauth.ClientSecretPost("x") };
    const failure = await renew(wrong, "x").catch((failure) => failure);
    ok(failure instanceof oauth.WWWAuthenticateChallengeError, `${failure}`);
    await failure.response.body?.cancel();
    const refused = await renew(web, "x").catch((failure) => failure);
    ok(refused instanceof oauth.ResponseBodyError, `${refused}`);
    strictEqual(refused.error, "invalid_grant");
  });
});
