/**
 * What there is to know of a user, and which scope opens it (OpenID Connect
 * Core, 5.4).
 *
 * @module
 */

/** By scope, what userinfo tells. */
export const USER_CLAIMS = {
  openid: ["sub"],
  profile: ["name", "preferred_username", "updated_at"],
  email: ["email", "email_verified"],
} as const;

/** What an ID token may say. */
export const ID_TOKEN_CLAIMS = [
  "iss",
  "sub",
  "aud",
  "iat",
  "exp",
  "auth_time",
  "acr",
  "amr",
  "at_hash",
  "sid",
  "nonce",
] as const;

/** The scopes of this installation; a client may have others for servers of its own. */
export const SCOPES = [
  ...Object.keys(USER_CLAIMS) as ReadonlyArray<keyof typeof USER_CLAIMS>,
  "offline_access",
  "account",
  "admin",
  "read:resource",
  "write:resource",
  "delete:resource",
] as const;
