import { X509Certificate } from "node:crypto";

/** Those whose word is taken for who a client is. */
export interface CertificateAuthorities {
  /** As one text, for node:https. */
  readonly pem: string;
  /** Whether one of them has issued the certificate itself. */
  haveIssued(der: Uint8Array): boolean;
}

const CERTIFICATE =
  /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads authorities: each that issues certificates of clients must be among
 * them, not only a root above it.
 *
 * @param pem One certificate or more.
 * @throws {Error} If one of them is none.
 */
export function certificateAuthorities(pem: string): CertificateAuthorities {
  const all = (pem.match(CERTIFICATE) ?? [])
    .map((text) => new X509Certificate(text));
  if (all.length === 0) throw new RangeError("holds no certificate");
  return {
    pem,
    haveIssued(der) {
      const certificate = new X509Certificate(der);
      return all.some((authority) =>
        certificate.checkIssued(authority) &&
        certificate.verify(authority.publicKey)
      );
    },
  };
}
