import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";

/** What an ID token of ours says, whether or not it has expired. */
export interface IdTokenHint {
  readonly userId: string;
  readonly clientId: string;
  readonly sessionId?: string;
}

/**
 * Reads a hint: an ID token that this installation has signed. Its age does not
 * count, because it only names someone (OpenID Connect Core, 3.1.2.1).
 *
 * @returns Undefined for any other token, an access token among them.
 */
export async function tryReadIdTokenHint(
  token: string,
  { issuer, jwks }: { readonly issuer: string; readonly jwks: JSONWebKeySet },
): Promise<IdTokenHint | undefined> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      token,
      createLocalJWKSet(jwks),
      { algorithms: ["EdDSA", "RS256"] },
    );
    const { iss, sub, aud, sid } = JSON.parse(
      new TextDecoder().decode(payload),
    );
    const clientId = Array.isArray(aud) ? aud[0] : aud;
    const typ = protectedHeader.typ?.toLowerCase() ?? "jwt";
    if (typ !== "jwt" || iss !== issuer) return undefined;
    if (typeof sub !== "string" || typeof clientId !== "string") {
      return undefined;
    }
    return {
      userId: sub,
      clientId,
      ...(typeof sid === "string" ? { sessionId: sid } : {}),
    };
  } catch {
    return undefined;
  }
}
