import { jsonResponse } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { ACR } from "../../domain/authentication.ts";
import { PROMPTS, RESPONSE_MODES } from "../../domain/authorization_request.ts";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import {
  AUTH_METHODS,
  GRANT_TYPES,
  SIGNING_ALGS,
} from "../../domain/client.ts";
import { PUBLIC_KEY_ALGS, SECRET_ALGS } from "../../domain/client_assertion.ts";
import { DPOP_ALGS } from "../../domain/dpop_proof.ts";
import {
  ID_TOKEN_CLAIMS,
  SCOPES,
  USER_CLAIMS,
} from "../../domain/openid_claims.ts";
import type { KeyRing } from "../../domain/key_ring.ts";
import { JWKS_CACHE_MS } from "../../domain/key_rotation.ts";

const ASSERTION_ALGS = [...SECRET_ALGS, ...PUBLIC_KEY_ALGS];
const CONFIDENTIAL = AUTH_METHODS.filter((method) => method !== "none");
const CACHE = {
  "cache-control": `public, max-age=${JWKS_CACHE_MS / 1_000}`,
};

/** What clients and verifiers look up: RFC 8414, OpenID Connect Discovery, JWKS. */
export function metadataRoutes(
  { issuer, idpUrl, mtlsUrl }: Pick<
    IdentityAddresses,
    "issuer" | "idpUrl" | "mtlsUrl"
  >,
  keys: KeyRing,
): readonly Route[] {
  const endpoint = (name: string) => `${issuer}/oauth2/v1/${name}`;
  const authorizationServer = {
    issuer,
    authorization_endpoint: endpoint("authorize"),
    token_endpoint: endpoint("token"),
    jwks_uri: endpoint("jwks"),
    introspection_endpoint: endpoint("introspect"),
    revocation_endpoint: endpoint("revoke"),
    pushed_authorization_request_endpoint: endpoint("par"),
    device_authorization_endpoint: endpoint("device_authorization"),
    scopes_supported: SCOPES,
    response_types_supported: ["code"],
    response_modes_supported: RESPONSE_MODES,
    grant_types_supported: GRANT_TYPES,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    require_pushed_authorization_requests: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    dpop_signing_alg_values_supported: DPOP_ALGS,
    tls_client_certificate_bound_access_tokens: true,
    ...(mtlsUrl && { mtls_endpoint_aliases: aliases(mtlsUrl) }),
  };
  const openIdProvider = {
    ...authorizationServer,
    userinfo_endpoint: `${idpUrl}/oidc/v1/userinfo`,
    end_session_endpoint: `${idpUrl}/oidc/v1/endsession`,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: SIGNING_ALGS,
    acr_values_supported: Object.values(ACR),
    prompt_values_supported: PROMPTS,
    claims_supported: [
      ...new Set([...ID_TOKEN_CLAIMS, ...Object.values(USER_CLAIMS).flat()]),
    ],
    claims_parameter_supported: false,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  };
  return [
    document(
      "/.well-known/oauth-authorization-server",
      "Authorization server metadata (RFC 8414)",
      () => authorizationServer,
    ),
    document(
      "/.well-known/openid-configuration",
      "OpenID provider metadata",
      () => openIdProvider,
    ),
    document("/oauth2/v1/jwks", "Public keys (RFC 7517)", () => keys.jwks()),
  ];
}

/** Where clients with certificates go instead (RFC 8705, 5). */
function aliases(mtlsUrl: string) {
  const endpoint = (name: string) => `${mtlsUrl}/oauth2/v1/${name}`;
  return {
    token_endpoint: endpoint("token"),
    introspection_endpoint: endpoint("introspect"),
    revocation_endpoint: endpoint("revoke"),
    pushed_authorization_request_endpoint: endpoint("par"),
    device_authorization_endpoint: endpoint("device_authorization"),
  };
}

function document(path: string, summary: string, body: () => unknown): Route {
  return {
    method: "GET",
    path,
    handle: () => jsonResponse(body(), { headers: CACHE }),
    doc: {
      summary,
      tags: ["metadata"],
      responses: { 200: { description: summary } },
    },
  };
}
