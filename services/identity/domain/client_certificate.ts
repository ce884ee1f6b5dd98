/**
 * What a client's certificate proves (RFC 8705).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import type { ClientCertificate } from "@mainstay/kernel/lifecycle";
import type { Client } from "./client.ts";
import { normalizedName, subjectOf } from "./distinguished_name.ts";

/** A public key that a client has registered, as RFC 7517 writes it. */
export type PublicJwk = Readonly<Record<string, unknown>>;

/** What a token is bound to: SHA-256 of the certificate, in base64url. */
export function certificateThumbprint(der: Uint8Array): string {
  return hash("sha256", der, "base64url");
}

/**
 * Whether a certificate names the client: an authority vouches for it, and its
 * subject is the registered one (RFC 8705, 2.1).
 */
export function namesClient(
  { der, trusted }: ClientCertificate,
  { tlsSubjectDn }: Pick<Client, "tlsSubjectDn">,
): boolean {
  if (!trusted || tlsSubjectDn === undefined) return false;
  try {
    return normalizedName(subjectOf(der)) === normalizedName(tlsSubjectDn);
  } catch {
    return false;
  }
}

/** Whether a certificate is among those that the client has registered (RFC 8705, 2.2). */
export function isRegistered(
  { der }: ClientCertificate,
  keys: readonly PublicJwk[],
): boolean {
  const thumbprint = certificateThumbprint(der);
  const base64 = Buffer.from(der).toString("base64");
  return keys.some(({ x5c, "x5t#S256": x5t }) =>
    x5t === thumbprint || (Array.isArray(x5c) && x5c[0] === base64)
  );
}
