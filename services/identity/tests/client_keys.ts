import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { PublicJwk } from "../domain/client_certificate.ts";

/** A key of a client's own. */
export interface ClientKey {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: PublicJwk;
}

/** Makes a P-256 key with that id. */
export async function newClientKey(kid: string): Promise<ClientKey> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  return { ...pair, jwk: { ...await exportJWK(pair.publicKey), kid } };
}

/** A client's assertion that is good for a minute, with changes. */
export async function clientAssertion(
  { clientId, audience, key, alg = "ES256" }: {
    readonly clientId: string;
    readonly audience: string;
    readonly key: CryptoKey | Uint8Array;
    readonly alg?: string;
  },
  changes: JWTPayload = {},
): Promise<Record<string, string>> {
  const iat = Math.floor(Date.now() / 1_000);
  const assertion = await new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: crypto.randomUUID(),
    iat,
    exp: iat + 60,
    ...changes,
  }).setProtectedHeader({ alg }).sign(key);
  return {
    client_assertion_type:
      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  };
}
