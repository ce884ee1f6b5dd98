import { Buffer } from "node:buffer";
import {
  createHash,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

/** What an answer claims, where it is not as it should be. */
export interface Claims {
  readonly challenge: string;
  readonly origin: string;
  readonly rpId: string;
  /** Default: one more than the last. */
  readonly counter?: number;
  /** Default true. */
  readonly userVerified?: boolean;
  readonly type?: string;
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;

/**
 * An authenticator without a browser around it: it signs whatever it is told
 * to, for any origin, which no browser would let it do.
 */
export class SoftwareAuthenticator {
  readonly credentialId = randomBytes(16);
  readonly #privateKey: KeyObject;
  readonly #coseKey: Buffer;
  #counter = 0;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", {
      namedCurve: "P-256",
    });
    this.#privateKey = privateKey;
    const { x, y } = publicKey.export({ format: "jwk" });
    // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
    this.#coseKey = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
      bytes(Buffer.from(x!, "base64url")),
      Buffer.from([0x22]),
      bytes(Buffer.from(y!, "base64url")),
    ]);
  }

  /** The answer to `navigator.credentials.create`, in JSON. */
  create(claims: Claims): string {
    const authData = Buffer.concat([
      this.#data(claims, ATTESTED),
      Buffer.alloc(16),
      Buffer.from([0, this.credentialId.length]),
      this.credentialId,
      this.#coseKey,
    ]);
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      ...[text("fmt"), text("none"), text("attStmt"), Buffer.from([0xa0])],
      ...[text("authData"), bytes(authData)],
    ]);
    return this.#answer(claims, "webauthn.create", {
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    });
  }

  /** The answer to `navigator.credentials.get`, in JSON. */
  get(claims: Claims): string {
    const authData = this.#data(claims, 0);
    const signature = createSign("sha256")
      .update(authData)
      .update(
        createHash("sha256").update(this.#client(claims, "webauthn.get"))
          .digest(),
      )
      .sign(this.#privateKey);
    return this.#answer(claims, "webauthn.get", {
      authenticatorData: authData.toString("base64url"),
      signature: signature.toString("base64url"),
    });
  }

  #data({ rpId, counter, userVerified = true }: Claims, flags: number): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter ?? this.#counter++);
    return Buffer.concat([
      createHash("sha256").update(rpId).digest(),
      Buffer.from([
        flags | USER_PRESENT | (userVerified ? USER_VERIFIED : 0),
      ]),
      count,
    ]);
  }

  #client({ challenge, origin, type }: Claims, usual: string): Buffer {
    return Buffer.from(
      JSON.stringify({ type: type ?? usual, challenge, origin }),
    );
  }

  #answer(
    claims: Claims,
    type: string,
    response: Readonly<Record<string, unknown>>,
  ): string {
    const id = this.credentialId.toString("base64url");
    return JSON.stringify({
      id,
      rawId: id,
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: this.#client(claims, type).toString("base64url"),
        ...response,
      },
    });
  }
}

/** CBOR: a byte string. */
function bytes(value: Buffer): Buffer {
  return Buffer.concat([head(0x40, value.length), value]);
}

/** CBOR: a text. */
function text(value: string): Buffer {
  return Buffer.concat([head(0x60, value.length), Buffer.from(value)]);
}

function head(major: number, length: number): Buffer {
  if (length < 24) return Buffer.from([major | length]);
  if (length < 256) return Buffer.from([major | 24, length]);
  return Buffer.from([major | 25, length >> 8, length & 0xff]);
}
