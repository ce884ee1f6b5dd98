import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { pem } from "./der_writer.ts";

let anyKey: string | undefined;

/**
 * Whether the runtime's TLS can read a certificate.
 *
 * Of one that it cannot read (X.509 version 1, or not quite DER) Deno's
 * node:https takes the handshake's signature unseen, as if its sender had the
 * key: tried with Deno 2.9.6, whoever had a copy of such a certificate could
 * show it. Of all others the signature is verified.
 *
 * A client that is to use the certificate with some key says which it is: the
 * key does not fit one that was read.
 */
export function tlsReads(der: Uint8Array): boolean {
  anyKey ??= String(
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
      .export({ type: "pkcs8", format: "pem" }),
  );
  try {
    const cert = pem("CERTIFICATE", Buffer.from(der));
    Deno.createHttpClient({ cert, key: anyKey }).close();
    return true;
  } catch (failure) {
    return failure instanceof Error && failure.message.includes("KeyMismatch");
  }
}
