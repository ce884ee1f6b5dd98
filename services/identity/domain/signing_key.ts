/**
 * Keys that tokens are signed with.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  generateKeyPair,
  hash,
  type JsonWebKey,
  sign,
} from "node:crypto";
import { promisify } from "node:util";
import type { SigningAlg } from "./client.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";

/** A key as it is kept. */
export interface SigningKeyRecord {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly alg: SigningAlg;
  /** As the JWKS shows it, with kid, alg and use. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateEncrypted: Uint8Array;
  /** Which key-encryption key opens it. */
  readonly kekId: string;
  readonly createdAt: Date;
  /** Published before, signs from here: verifiers have seen it by then. */
  readonly activeFrom: Date;
  /** Signs nothing any more. */
  readonly retiredAt?: Date;
  /** The last token that it signed is dead: it is published no longer. */
  readonly expiresAt?: Date;
}

/** A key that can sign. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  sign(input: string): Buffer;
}

const generate = promisify(generateKeyPair);
/** Encrypted private keys open for nothing else. */
export const SIGNING_KEY_USE = "signing-key";

/** Makes a key. RSA takes some 100 ms, off the main thread. */
export async function createSigningKey(
  alg: SigningAlg,
  { encryption, now, activeFrom }: {
    readonly encryption: KeyEncryption;
    readonly now: Date;
    readonly activeFrom: Date;
  },
): Promise<SigningKeyRecord> {
  const { publicKey, privateKey } = alg === "EdDSA"
    ? await generate("ed25519")
    : await generate("rsa", { modulusLength: 2048 });
  const jwk = publicKey.export({ format: "jwk" });
  const kid = thumbprint(jwk);
  const der = privateKey.export({ format: "der", type: "pkcs8" });
  return {
    kid,
    alg,
    publicJwk: { ...jwk, kid, alg, use: "sig" },
    privateEncrypted: encryption.encrypt(der, SIGNING_KEY_USE),
    kekId: encryption.currentId,
    createdAt: now,
    activeFrom,
  };
}

/** @throws {KeyEncryptionFailure} If the key-encryption key is missing. */
export function openSigningKey(
  { kid, alg, privateEncrypted }: SigningKeyRecord,
  encryption: KeyEncryption,
): SigningKey {
  const key = createPrivateKey({
    key: Buffer.from(encryption.decrypt(privateEncrypted, SIGNING_KEY_USE)),
    format: "der",
    type: "pkcs8",
  });
  const digest = alg === "EdDSA" ? null : "sha256";
  return {
    kid,
    alg,
    sign: (input) => sign(digest, Buffer.from(input), key),
  };
}

/** RFC 7638: the required members, in their order. */
function thumbprint(jwk: JsonWebKey): string {
  const members = jwk.kty === "RSA"
    ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
    : { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return hash("sha256", JSON.stringify(members), "base64url");
}
