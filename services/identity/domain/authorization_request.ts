import type { OAuthErrorCode } from "./oauth_error.ts";

/** How the answer to an authorization request reaches the client. */
export const RESPONSE_MODES = ["query", "form_post"] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

/** What the identity provider has to show, whatever it remembers. */
export const PROMPTS = ["none", "login", "consent", "select_account"] as const;
export type Prompt = (typeof PROMPTS)[number];

/** What a client asks for at the authorization endpoint, all of it checked. */
export interface AuthorizationParameters {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly scopes: readonly string[];
  /** S256 of a verifier that only the client has (RFC 7636). */
  readonly codeChallenge: string;
  /** What the tokens are to be for (RFC 8707); empty: all that they may be for. */
  readonly resources: readonly string[];
  /** `none` stands alone. */
  readonly prompt: readonly Prompt[];
  readonly acrValues: readonly string[];
  readonly uiLocales: readonly string[];
  readonly state?: string;
  readonly nonce?: string;
  readonly maxAgeS?: number;
  readonly loginHint?: string;
  /** As it came: nobody has verified it. */
  readonly idTokenHint?: string;
  /** Thumbprint of the key that the tokens are to be bound to (RFC 9449, 10). */
  readonly dpopJkt?: string;
}

/** A trip through sign-in and consent that waits for its decision. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly parameters: AuthorizationParameters;
  readonly expiresAt: Date;
}

/** A user's yes, with how and when they signed in. */
export interface Approval {
  readonly userId: string;
  readonly sessionId: string;
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  /** What was granted: some of what was asked for. */
  readonly scopes: readonly string[];
}

/** Why there is no approval, in the words of RFC 6749 and OpenID Connect Core. */
export type Refusal = Extract<
  OAuthErrorCode,
  | "access_denied"
  | "login_required"
  | "consent_required"
  | "interaction_required"
  | "account_selection_required"
  | "unmet_authentication_requirements"
>;

/** What the identity provider has found out. */
export type Decision =
  | { readonly approved: Approval }
  | { readonly refused: Refusal };

/** A trip that is over. */
export interface DecidedAuthorization extends AuthorizationRequest {
  readonly decision: Decision;
  /**
   * Whether the code that was brought is good: not after a refusal, nor if the
   * session, its user or the client is not good any more.
   */
  readonly codeIssued: boolean;
}
