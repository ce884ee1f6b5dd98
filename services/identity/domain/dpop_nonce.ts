/**
 * Nonces that the server gives and takes back without keeping them.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { OAuthError } from "./oauth_error.ts";

/** How long a nonce is given out; it is taken for as long again. */
const STEP_MS = 60_000;

/** Says what proofs have to hold now. */
export interface DpopNonces {
  /** The one to hold from now on. */
  current(nowMs: number): string;
  accepts(nonce: string, nowMs: number): boolean;
}

/** A proof needs a nonce, and this is one (RFC 9449, 8). */
export class DpopNonceRequired extends OAuthError {
  readonly nonce: string;

  constructor(nonce: string) {
    super(
      "use_dpop_nonce",
      "Cannot take the DPoP proof: it needs the nonce of DPoP-Nonce",
    );
    this.nonce = nonce;
  }
}

/**
 * Nonces from the time and a secret that all replicas have: each takes what
 * another has given.
 *
 * @param secret Not used as it is: the key is derived from it.
 */
export function createDpopNonces(secret: Uint8Array): DpopNonces {
  const key = new Uint8Array(
    hkdfSync("sha256", secret, new Uint8Array(), "dpop-nonce", 32),
  );
  const nonceOf = (step: number) =>
    createHmac("sha256", key).update(String(step)).digest("base64url");
  const stepAt = (nowMs: number) => Math.floor(nowMs / STEP_MS);
  return {
    current: (nowMs) => nonceOf(stepAt(nowMs)),
    accepts(nonce, nowMs) {
      const step = stepAt(nowMs);
      return [step, step - 1].map(nonceOf)
        .filter((known) => equalTexts(known, nonce)).length > 0;
    },
  };
}

function equalTexts(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
