import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import type { RegisteredClient } from "../../domain/client.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { isLive, type TokenRecord, tokenTypeOf } from "../../domain/token.ts";
import type { TokenStore } from "../../domain/token_store.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface IntrospectionRouteOptions {
  readonly config: Pick<IdentityAddresses, "issuer">;
  readonly tokens: TokenStore;
  readonly authenticate: AuthenticateClient;
  readonly now: () => number;
}

/**
 * Says of a token whether it is good (RFC 7662), from one look-up by its hash:
 * a token that the database does not know is not, whatever its signature says.
 */
export function introspectionRoute(options: IntrospectionRouteOptions): Route {
  const { config, tokens, authenticate, now } = options;
  return {
    method: "POST",
    path: "/oauth2/v1/introspect",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      const client = await authenticate(request, form, context);
      requireConfidential(client);
      const token = form.get("token");
      if (token === undefined) {
        throw new OAuthError(
          "invalid_request",
          "Cannot introspect: token is missing",
        );
      }
      const found = await tokens.find(hashSecret(token));
      const visible = found !== undefined && isLive(found, now()) &&
        maySee(client, found);
      return jsonResponse(
        visible ? describe(found, config.issuer) : { active: false },
      );
    }),
    doc: {
      summary: "Says whether a token is good (RFC 7662)",
      tags: ["oauth"],
      responses: { 200: { description: "What is known of it" } },
    },
  };
}

function requireConfidential(client: RegisteredClient): void {
  if (client.authMethod !== "none") return;
  throw new OAuthError(
    "unauthorized_client",
    "Cannot introspect: a public client cannot show that it may",
  );
}

/** Its own tokens; those for its audiences, if it is registered to. */
function maySee(client: RegisteredClient, token: TokenRecord): boolean {
  return token.clientId === client.id ||
    (client.mayIntrospect && token.kind === "access" &&
      token.audiences.some((audience) => client.audiences.includes(audience)));
}

function describe(token: TokenRecord, issuer: string) {
  const seconds = (date: Date) => Math.floor(date.getTime() / 1_000);
  return {
    active: true,
    iss: issuer,
    sub: token.userId ?? token.clientId,
    aud: token.audiences,
    client_id: token.clientId,
    scope: token.scopes.join(" "),
    jti: token.jti,
    iat: seconds(token.issuedAt),
    exp: seconds(token.expiresAt),
    token_type: token.kind === "refresh"
      ? "refresh_token"
      : tokenTypeOf(token.confirmation),
    ...(token.confirmation && { cnf: token.confirmation }),
    ...(token.authTime && { auth_time: seconds(token.authTime) }),
    ...(token.acr && { acr: token.acr }),
    ...(token.amr && { amr: token.amr }),
    ...(token.sessionId && { sid: token.sessionId }),
  };
}
