/**
 * Access tokens as JWTs (RFC 9068).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { SigningKey } from "./signing_key.ts";
import type { Confirmation } from "./token.ts";

/** The claims of an access token; times in epoch seconds. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly scope: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly sid?: string;
  readonly cnf?: Confirmation;
}

/**
 * Signs an access token.
 *
 * Its payload decodes with plain `base64 -d`: all of it is ASCII, without the
 * characters that turn into `-` or `_`, and filled up with spaces to a multiple
 * of three bytes, so that nothing is missing at its end.
 *
 * @returns `header.payload.signature`.
 */
export function signAccessToken(
  claims: AccessTokenClaims,
  key: SigningKey,
): string {
  return signJwt("at+jwt", plainJson(claims), key);
}

/** Signs any other JWT: an ID token (`JWT`), a logout token (`logout+jwt`). */
export function signJwt(
  typ: string,
  payload: string | Readonly<Record<string, unknown>>,
  key: SigningKey,
): string {
  const header = encode(JSON.stringify({ alg: key.alg, typ, kid: key.kid }));
  const body = encode(
    typeof payload === "string" ? payload : JSON.stringify(payload),
  );
  const input = `${header}.${body}`;
  return `${input}.${key.sign(input).toString("base64url")}`;
}

/** JSON whose base64url has none of `-`, `_` and padding. */
export function plainJson(value: unknown): string {
  const json = JSON.stringify(value).replaceAll(
    // The only ASCII characters that can end in six set bits, and all others.
    /[>?~\x7f-\uffff]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return json.padEnd(Math.ceil(json.length / 3) * 3);
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}
