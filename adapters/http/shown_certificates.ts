import { hash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { ClientCertificate } from "@mainstay/kernel/lifecycle";
import type { CertificateAuthorities } from "./certificate_authorities.ts";
import { tlsReads } from "./tls_reads.ts";

/** The certificates of a listener's connections. */
export interface ShownCertificates {
  /** Judges a connection, once, when it is made. */
  note(socket: TLSSocket): void;
  /** Undefined: the client has shown none, or none that proves anything. */
  of(socket: TLSSocket): ClientCertificate | undefined;
}

const MAX_KNOWN = 10_000;

/**
 * Creates the judgement of what clients show, where the runtime's own is not
 * enough. Both were tried with Deno 2.9.6:
 *
 * - A certificate that its TLS cannot read is taken from anyone: see
 *   {@link tlsReads}. It counts as none here.
 * - On a session that is resumed nothing is verified, and `authorized` is true
 *   whatever it was before: a certificate of a client's own making would pass
 *   for one of the authority's. So a resumed one is trusted if it was when its
 *   session began, which was here: sessions are not shared between processes.
 */
export function shownCertificates(
  authorities: CertificateAuthorities | undefined,
): ShownCertificates {
  /** Whether an authority vouched for it, by SHA-256; the last ones. */
  const known = new Map<string, boolean>();
  const shown = new WeakMap<TLSSocket, ClientCertificate>();

  function isTrusted(socket: TLSSocket, der: Uint8Array): boolean {
    const key = hash("sha256", der, "base64url");
    if (socket.isSessionReused()) return known.get(key) ?? false;
    // It may know authorities besides those that it is given.
    const trusted = socket.authorized &&
      authorities?.haveIssued(der) === true;
    known.delete(key);
    known.set(key, trusted);
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest) known.delete(oldest);
    return trusted;
  }

  return {
    note(socket) {
      const { raw } = socket.getPeerCertificate(true) ?? {};
      if (raw === undefined) return;
      const der = new Uint8Array(raw);
      const trusted = isTrusted(socket, der);
      if (trusted || tlsReads(der)) shown.set(socket, { der, trusted });
    },
    of: (socket) => shown.get(socket),
  };
}
