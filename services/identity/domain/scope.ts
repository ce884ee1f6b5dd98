import { OAuthError } from "./oauth_error.ts";

/**
 * The scopes that are asked for, each once.
 *
 * @param asked As it came: names between spaces.
 * @throws {OAuthError} `invalid_scope` for any that is not allowed.
 */
export function scopesAmong(
  asked: string,
  allowed: readonly string[],
): readonly string[] {
  const scopes = [...new Set(asked.split(" ").filter(Boolean))];
  if (scopes.length > 0 && scopes.every((one) => allowed.includes(one))) {
    return scopes;
  }
  throw new OAuthError(
    "invalid_scope",
    "Cannot give a scope: it is none, or not one that the client may have",
    { facts: { asked, allowed } },
  );
}
