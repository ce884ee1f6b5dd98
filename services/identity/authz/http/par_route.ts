import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { PushedRequestStore } from "../../domain/pushed_request_store.ts";
import {
  MAX_AUTHORIZATION_BYTES,
  readAuthorizationParameters,
} from "../../domain/read_authorization_parameters.ts";
import { isRegisteredRedirectUri } from "../../domain/redirect_uri.ts";
import { refuseRepeated } from "../../domain/request_fields.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { Dpop } from "../../http/dpop.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface ParRouteOptions {
  readonly config: Pick<IdentityAddresses, "rsUrl">;
  readonly pushedRequests: Pick<PushedRequestStore, "push">;
  readonly authenticate: AuthenticateClient;
  readonly dpop: Dpop;
  readonly now: () => number;
}

/** Before it, in a `request_uri`, stands a secret of its own. */
export const PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:";
/** From being pushed to the browser's coming. */
const LIFETIME_S = 90;

/**
 * Takes an authorization request from the client itself (RFC 9126), so that the
 * browser carries nothing but a handle: good once, and for this client alone.
 */
export function parRoute(options: ParRouteOptions): Route {
  const { config, pushedRequests, authenticate, dpop, now } = options;
  return {
    method: "POST",
    path: "/oauth2/v1/par",
    crossOrigin: false,
    maxBodyBytes: MAX_AUTHORIZATION_BYTES,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      refuseRepeated(form);
      const client = await authenticate(request, form, context);
      const redirectUri = form.get("redirect_uri");
      if (form.get("request_uri") !== undefined) {
        throw refusal("it names another one");
      }
      if (
        redirectUri === undefined ||
        !isRegisteredRedirectUri(redirectUri, client.redirectUris)
      ) throw refusal("redirect_uri is not registered");
      const parameters = readAuthorizationParameters(form, {
        client,
        redirectUri,
        resourceServer: config.rsUrl,
      });
      const jkt = await dpop.keyOf(request, context);
      if (
        jkt !== undefined && parameters.dpopJkt !== undefined &&
        jkt !== parameters.dpopJkt
      ) throw refusal("dpop_jkt is not the key of the proof");
      const secret = newSecret();
      await pushedRequests.push({
        hash: hashSecret(secret),
        clientId: client.id,
        parameters: jkt === undefined
          ? parameters
          : { ...parameters, dpopJkt: jkt },
        expiresAt: new Date(now() + LIFETIME_S * 1_000),
      });
      return jsonResponse(
        { request_uri: `${PUSHED_PREFIX}${secret}`, expires_in: LIFETIME_S },
        { status: 201 },
      );
    }),
    doc: {
      summary: "Takes an authorization request ahead (RFC 9126)",
      tags: ["oauth"],
      responses: { 201: { description: "Its handle, for the browser" } },
    },
  };
}

function refusal(state: string): OAuthError {
  return new OAuthError(
    "invalid_request",
    `Cannot take the authorization request: ${state}`,
  );
}
