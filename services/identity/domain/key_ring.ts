import type { SigningAlg } from "./client.ts";
import type { SigningKey, SigningKeyRecord } from "./signing_key.ts";

/** The keys of this process, at hand without asking the database. */
export interface KeyRing {
  /** @throws {Error} Before the ring was loaded. */
  current(alg: SigningAlg): SigningKey;
  /** The public keys that verifiers may need (RFC 7517). */
  jwks(): { readonly keys: ReadonlyArray<SigningKeyRecord["publicJwk"]> };
}
