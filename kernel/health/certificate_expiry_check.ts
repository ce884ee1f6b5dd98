import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { type Clock, systemClock } from "../lifecycle/clock.ts";
import {
  type CheckOptions,
  Degraded,
  type HealthCheck,
} from "./health_check.ts";

/** A certificate in a PEM file, or the one that a server shows. */
export type CertificateSource =
  | { readonly file: string }
  | { readonly host: string; readonly port: number };

/** Which certificate, when to warn, and what else a check has. */
export interface CertificateExpiryCheckOptions extends CheckOptions {
  readonly certificate: CertificateSource;
  /** From how long before its end on it is degraded. Default: 14 days. */
  readonly warnBeforeMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const DAY_MS = 86_400_000;

/**
 * Degraded when a certificate is about to end, failed when it has ended or not
 * begun. It looks at dates alone, not at who signed it. A file is read anew on
 * each run, so that a renewed one is seen.
 *
 * Once a minute unless said otherwise. A file needs `--allow-read`.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { certificateExpiryCheck } from "@mainstay/kernel/health";
 *
 * const check = certificateExpiryCheck({
 *   certificate: { file: "/etc/mainstay/tls.crt" },
 * });
 * assertEquals(check.intervalMs, 60_000);
 * ```
 */
export function certificateExpiryCheck(
  {
    certificate,
    warnBeforeMs = 14 * DAY_MS,
    clock = systemClock,
    ...options
  }: CertificateExpiryCheckOptions,
): HealthCheck {
  return {
    name: "certificate-expiry",
    intervalMs: 60_000,
    ...options,
    async check(signal) {
      const { from, to } = "file" in certificate
        ? await validityOfFile(certificate.file)
        : await validityOfServer(certificate, signal);
      const now = clock.now();
      const until = new Date(to).toISOString();
      if (!(from <= now)) throw new Error("The certificate is not valid yet");
      if (!(to > now)) throw new Error(`The certificate ended at ${until}`);
      if (to - now < warnBeforeMs) {
        throw new Degraded(`The certificate ends at ${until}`);
      }
      return { until, daysLeft: Math.floor((to - now) / DAY_MS) };
    },
  };
}

/** In epoch milliseconds. */
interface Validity {
  readonly from: number;
  readonly to: number;
}

async function validityOfFile(file: string): Promise<Validity> {
  const { validFrom, validTo } = new X509Certificate(await readFile(file));
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}

function validityOfServer(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Validity> {
  return new Promise((resolve, reject) => {
    // Dates are looked at, nothing is sent: who signed it does not matter.
    const socket = connect({
      host,
      port,
      servername: /^[\d.]+$|:/.test(host) ? "" : host,
      rejectUnauthorized: false,
    });
    const end = (settle: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    signal.addEventListener("abort", onAbort);
    socket.once("error", (failure) => end(() => reject(failure)));
    socket.once("secureConnect", () => {
      const { valid_from, valid_to } = socket.getPeerCertificate();
      end(() =>
        resolve({ from: Date.parse(valid_from), to: Date.parse(valid_to) })
      );
    });
  });
}
