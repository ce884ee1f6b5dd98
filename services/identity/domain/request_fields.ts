import { OAuthError } from "./oauth_error.ts";

/** The fields of a request, wherever they came in. */
export interface RequestFields {
  readonly repeated: readonly string[];
  /** The one value of a field; undefined where it is missing or empty. */
  get(name: string): string | undefined;
  all(name: string): readonly string[];
}

/**
 * Nothing comes twice (RFC 6749, 3.1 and 3.2), but `resource` may.
 *
 * @throws {OAuthError} `invalid_request`.
 */
export function refuseRepeated({ repeated }: RequestFields): void {
  const names = repeated.filter((name) => name !== "resource");
  if (names.length === 0) return;
  throw new OAuthError(
    "invalid_request",
    "Cannot read the request: a parameter comes more than once",
    { facts: { names } },
  );
}
