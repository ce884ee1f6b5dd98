import { type Form, jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";

import { signAccessToken } from "../../domain/access_token.ts";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type { GrantType, RegisteredClient } from "../../domain/client.ts";
import type {
  IdentityAddresses,
  Lifetimes,
} from "../../domain/identity_settings.ts";
import type { KeyRing } from "../../domain/key_ring.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { TokenStore } from "../../domain/token_store.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface TokenRouteOptions {
  readonly config: IdentityAddresses & Lifetimes;
  readonly tokens: TokenStore;
  readonly keys: KeyRing;
  readonly authenticate: AuthenticateClient;
  readonly now: () => number;
}

/** The token endpoint (RFC 6749, 3.2). */
export function tokenRoute(options: TokenRouteOptions): Route {
  return {
    method: "POST",
    path: "/oauth2/v1/token",
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      const client = await options.authenticate(request, form, context);
      const grantType = form.get("grant_type");
      if (grantType === undefined) {
        throw new OAuthError(
          "invalid_request",
          "Cannot give a token: grant_type is missing",
        );
      }
      if (grantType !== "client_credentials") {
        throw new OAuthError(
          "unsupported_grant_type",
          "Cannot give a token: the grant type is unknown",
        );
      }
      requireGrant(client, grantType);
      return jsonResponse(await clientCredentials(client, form, options));
    }),
    doc: {
      summary: "Gives a token",
      tags: ["oauth"],
      responses: { 200: { description: "The token" } },
    },
  };
}

function requireGrant(client: RegisteredClient, grant: GrantType): void {
  if (client.grantTypes.includes(grant)) return;
  throw new OAuthError(
    "unauthorized_client",
    `Cannot give a token: the client may not use ${grant}`,
  );
}

async function clientCredentials(
  client: RegisteredClient,
  form: Form,
  { config, tokens, keys, now }: TokenRouteOptions,
) {
  const scopes = scopesOf(form.get("scope"), client.scopes);
  const audiences = client.audiences.length > 0
    ? client.audiences
    : [config.rsUrl];
  const iat = Math.floor(now() / 1_000);
  const lifetimeS = Math.floor(config.accessTokenLifetimeMs / 1_000);
  const jti = newSecret();
  const token = signAccessToken({
    iss: config.issuer,
    sub: client.id,
    aud: audiences,
    client_id: client.id,
    scope: scopes.join(" "),
    jti,
    iat,
    exp: iat + lifetimeS,
  }, keys.current(client.accessTokenAlg));
  await tokens.add({
    hash: hashSecret(token),
    kind: "access",
    jti,
    clientId: client.id,
    scopes,
    audiences,
    issuedAt: new Date(iat * 1_000),
    expiresAt: new Date((iat + lifetimeS) * 1_000),
  });
  return {
    access_token: token,
    token_type: "Bearer",
    expires_in: lifetimeS,
    scope: scopes.join(" "),
  };
}

function scopesOf(
  asked: string | undefined,
  allowed: readonly string[],
): readonly string[] {
  if (asked === undefined) return allowed;
  const scopes = [...new Set(asked.split(" ").filter(Boolean))];
  const refused = scopes.filter((scope) => !allowed.includes(scope));
  if (refused.length === 0) return scopes;
  throw new OAuthError(
    "invalid_scope",
    `Cannot give a token: the client may not ask for ${refused.join(" ")}`,
  );
}
