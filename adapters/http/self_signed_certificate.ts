import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import {
  der,
  extension,
  generalName,
  oid,
  pem,
  sequence,
  TAG,
  text,
  time,
} from "./der_writer.ts";
import type { TlsPair } from "./tls_files.ts";

/** Far beyond the life of a process, which makes its certificate anew. */
const VALID_MS = 10 * 365 * 86_400_000;
/** Clients whose clock is a little behind must not find it "not yet valid". */
const BACKDATED_MS = 3_600_000;

const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const COMMON_NAME = "550403";
const SUBJECT_ALT_NAME = "551d11";
const EXTENDED_KEY_USAGE = "551d25";
const SERVER_AUTH = "2b06010505070301";

/**
 * Makes a P-256 key and a certificate for it, signed by itself (RFC 5280).
 *
 * One fixed shape, so it is written down here in DER: the packages that can do
 * it bring 6 to 20 others, and take 14 MB and 130 ms where this takes 1 ms.
 * node:crypto makes the key and the signature.
 *
 * @param hosts Names and addresses that it is valid for.
 * @param nowMs Epoch milliseconds.
 */
export function createSelfSignedCertificate(
  hosts: readonly string[],
  nowMs: number,
): TlsPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const name = sequence(
    der(
      TAG.set,
      sequence(oid(COMMON_NAME), text(TAG.utf8, "Mainstay admin server")),
    ),
  );
  const serial = randomBytes(16);
  // Positive, and its first byte needed: both are asked of an INTEGER.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(TAG.integer, Uint8Array.of(2))),
    der(TAG.integer, serial),
    algorithm,
    name,
    sequence(time(nowMs - BACKDATED_MS), time(nowMs + VALID_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName))),
        extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTH))),
      ),
    ),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(
    body,
    algorithm,
    der(TAG.bits, Uint8Array.of(0), signature),
  );
  return {
    cert: pem("CERTIFICATE", certificate),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}
