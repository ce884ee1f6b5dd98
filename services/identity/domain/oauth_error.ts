import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";

/** Every error code that an OAuth endpoint may answer with. */
export type OAuthErrorCode =
  // RFC 6749
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "invalid_scope"
  | "access_denied"
  | "server_error"
  | "temporarily_unavailable"
  // RFC 8628
  | "authorization_pending"
  | "slow_down"
  | "expired_token"
  // RFC 8707, 9101, 9449
  | "invalid_target"
  | "request_not_supported"
  | "request_uri_not_supported"
  | "invalid_request_uri"
  | "invalid_dpop_proof"
  | "use_dpop_nonce"
  // OpenID Connect Core
  | "login_required"
  | "consent_required"
  | "interaction_required"
  | "account_selection_required"
  | "unmet_authentication_requirements"
  | "registration_not_supported";

/**
 * A refusal in OAuth's own form: `error` and `error_description`.
 *
 * The description may reach the client's developer; why a secret or token was
 * refused goes into `facts`, so that nobody learns how close a guess came.
 */
export class OAuthError extends OperationalError<"oauth-error"> {
  readonly error: OAuthErrorCode;

  constructor(
    error: OAuthErrorCode,
    description: string,
    options?: OperationalErrorOptions,
  ) {
    super("oauth-error", description, options);
    this.error = error;
  }
}
