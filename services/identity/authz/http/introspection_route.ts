import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Metrics } from "@mainstay/kernel/metrics";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import type { RegisteredClient } from "../../domain/client.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { refuseRepeated } from "../../domain/request_fields.ts";
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
  readonly metrics: Metrics;
}

/**
 * Says of a token whether it is good (RFC 7662), from one look-up by its hash:
 * a token that the database does not know is not, whatever its signature says.
 */
export function introspectionRoute(options: IntrospectionRouteOptions): Route {
  const { config, tokens, authenticate, now, metrics } = options;
  const validations = metrics.counter({
    name: "token_validations_total",
    help: "Access tokens that were looked at.",
  });
  const failures = metrics.counter({
    name: "token_validation_failures_total",
    help: "Access tokens that were not taken, by reason.",
    labels: ["reason"],
  });
  return {
    method: "POST",
    path: "/oauth2/v1/introspect",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      refuseRepeated(form);
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
      validations.add({});
      const reason = refusalOf(found, client, now());
      if (found !== undefined && reason === undefined) {
        return jsonResponse(describe(found, config.issuer));
      }
      failures.add({ reason: reason ?? "unknown" });
      return jsonResponse({ active: false });
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

/** Why a token is not good for who asks; the client is told no reason. */
function refusalOf(
  token: TokenRecord | undefined,
  client: RegisteredClient,
  nowMs: number,
): string | undefined {
  if (token === undefined) return "unknown";
  if (token.revokedAt !== undefined) return "revoked";
  if (token.consumedAt !== undefined) return "used";
  if (!isLive(token, nowMs)) return "expired";
  return maySee(client, token) ? undefined : "foreign";
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
