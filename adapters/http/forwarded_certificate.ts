import type { ClientCertificate } from "@mainstay/kernel/lifecycle";

/**
 * The certificate that a proxy has checked and passed on (RFC 9440): base64 of
 * its DER between colons.
 *
 * To be asked of a trusted proxy's requests only, and only of a proxy that
 * removes the header from what clients send: it proves nothing by itself.
 *
 * @returns Undefined where there is none, or something else.
 */
export function forwardedCertificate(
  header: string | null,
): ClientCertificate | undefined {
  const [, base64] = /^\s*:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(header ?? "") ??
    [];
  if (base64 === undefined) return undefined;
  try {
    return { der: Uint8Array.fromBase64(base64), trusted: true };
  } catch {
    return undefined;
  }
}
