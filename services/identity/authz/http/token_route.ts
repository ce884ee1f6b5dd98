import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Metrics } from "@mainstay/kernel/metrics";
import {
  GRANT_TYPES,
  type GrantType,
  type RegisteredClient,
} from "../../domain/client.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { refuseRepeated } from "../../domain/request_fields.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import { authorizationCodeGrant } from "./authorization_code_grant.ts";
import type { AuthenticateClient } from "./client_authentication.ts";
import { clientCredentialsGrant } from "./client_credentials_grant.ts";
import type { BindToken } from "./token_binding.ts";
import { deviceCodeGrant } from "./device_code_grant.ts";
import { refreshTokenGrant } from "./refresh_token_grant.ts";
import {
  requireField,
  type TokenGrant,
  type TokenGrantOptions,
} from "./token_grant.ts";

/** What the endpoint works with. */
export interface TokenRouteOptions extends TokenGrantOptions {
  readonly authenticate: AuthenticateClient;
  readonly bind: BindToken;
  readonly metrics: Metrics;
}

const GRANTS: Readonly<Record<GrantType, TokenGrant>> = {
  authorization_code: authorizationCodeGrant,
  refresh_token: refreshTokenGrant,
  client_credentials: clientCredentialsGrant,
  "urn:ietf:params:oauth:grant-type:device_code": deviceCodeGrant,
};

/** The token endpoint (RFC 6749, 3.2). */
export function tokenRoute(options: TokenRouteOptions): Route {
  const issued = options.metrics.counter({
    name: "token_issuance_total",
    help: "Answers with tokens, by grant.",
    labels: ["grant"],
  });
  return {
    method: "POST",
    path: "/oauth2/v1/token",
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      refuseRepeated(form);
      const client = await options.authenticate(request, form, context);
      const grantType = grantTypeOf(requireField(form, "grant_type"), client);
      const confirmation = await options.bind(request, context, client);
      const answer = await GRANTS[grantType](
        { client, form, ...(confirmation && { confirmation }) },
        options,
      );
      issued.add({ grant: grantType.replace(/^.*:/, "") });
      return jsonResponse(answer);
    }),
    doc: {
      summary: "Gives tokens",
      tags: ["oauth"],
      responses: { 200: { description: "The tokens" } },
    },
  };
}

function grantTypeOf(given: string, client: RegisteredClient): GrantType {
  const grantType = GRANT_TYPES.find((known) => known === given);
  if (grantType === undefined) {
    throw new OAuthError(
      "unsupported_grant_type",
      "Cannot give a token: the grant type is unknown",
    );
  }
  if (client.grantTypes.includes(grantType)) return grantType;
  throw new OAuthError(
    "unauthorized_client",
    `Cannot give a token: the client may not use ${grantType}`,
  );
}
