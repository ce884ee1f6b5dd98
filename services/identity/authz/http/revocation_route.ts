import { readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { hashSecret } from "../../domain/bearer_secret.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { refuseRepeated } from "../../domain/request_fields.ts";
import type { TokenStore } from "../../domain/token_store.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/**
 * Revokes a token of the client that asks (RFC 7009). The answer is the same
 * for a token of someone else's, which stays, and for one that nobody knows.
 */
export function revocationRoute(
  { tokens, authenticate }: {
    readonly tokens: TokenStore;
    readonly authenticate: AuthenticateClient;
  },
): Route {
  return {
    method: "POST",
    path: "/oauth2/v1/revoke",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      refuseRepeated(form);
      const client = await authenticate(request, form, context);
      const token = form.get("token");
      if (token === undefined) {
        throw new OAuthError(
          "invalid_request",
          "Cannot revoke: token is missing",
        );
      }
      const found = await tokens.find(hashSecret(token));
      if (found?.clientId === client.id) await tokens.revoke(found);
      return new Response(null, { headers: { "cache-control": "no-store" } });
    }),
    doc: {
      summary: "Revokes a token (RFC 7009)",
      tags: ["oauth"],
      responses: { 200: { description: "It is not good any more" } },
    },
  };
}
