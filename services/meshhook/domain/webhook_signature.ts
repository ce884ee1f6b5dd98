/**
 * Who sent a webhook: signatures over its raw body.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** How a sender signs; each as its own documentation has it. */
export const SIGNATURE_SCHEMES = [
  "standard",
  "github",
  "stripe",
  "jwt",
] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** A webhook as it came. */
export interface ReceivedWebhook {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly nowMs: number;
}

/** Why a webhook is not taken for its sender's: for the log, never for an answer. */
export type SignatureFault =
  | "missing"
  | "malformed"
  | "stale"
  | "mismatch";

/** Who sent it is known, or why not. */
export type SignatureVerdict =
  | {
    readonly verified: true;
    /** What tells this webhook from every other of its sender. */
    readonly deliveryId?: string;
  }
  | { readonly verified: false; readonly fault: SignatureFault };

/** How far a sender's clock may be from ours, either way. */
export const TOLERANCE_MS = 300_000;
/** No sender's ids are longer; an index takes little more than a thousand. */
export const MAX_DELIVERY_ID = 200;
/** A sender that sends more is not worth the work. */
const MAX_SIGNATURES = 20;

/**
 * Checks a webhook against its hook's secrets: any of them, so that they can be
 * rotated, and all of them, so that the time tells nothing. A scheme that has a
 * timestamp signs it, and it must be within five minutes of now.
 *
 * @param secrets As the sender was given them; a Standard Webhooks secret may
 *   begin with `whsec_` and is base64 then; one that is not checks nothing.
 */
export function verifySignature(
  scheme: Exclude<SignatureScheme, "jwt">,
  webhook: ReceivedWebhook,
  secrets: readonly string[],
): SignatureVerdict {
  const claim = CLAIMS[scheme](webhook);
  if ("fault" in claim) return { verified: false, fault: claim.fault };
  const { signed, signatures, timestampMs, deliveryId } = claim;
  if (
    timestampMs !== undefined &&
    !(Math.abs(webhook.nowMs - timestampMs) <= TOLERANCE_MS)
  ) {
    return { verified: false, fault: "stale" };
  }
  let matches = 0;
  for (const secret of secrets) {
    const key = keyOf(scheme, secret);
    if (key === undefined) continue;
    const expected = createHmac("sha256", key);
    for (const part of signed) expected.update(part);
    const digest = expected.digest();
    for (const signature of signatures) {
      matches += Number(
        signature.length === digest.length &&
          timingSafeEqual(signature, digest),
      );
    }
  }
  if (matches === 0) return { verified: false, fault: "mismatch" };
  return {
    verified: true,
    ...(deliveryId === undefined ? {} : { deliveryId }),
  };
}

/** What a request claims: what was signed, and the signatures of it. */
type Claim = {
  readonly signed: ReadonlyArray<string | Uint8Array>;
  readonly signatures: readonly Uint8Array[];
  readonly timestampMs?: number;
  readonly deliveryId?: string;
} | { readonly fault: SignatureFault };

const CLAIMS: Readonly<
  Record<
    Exclude<SignatureScheme, "jwt">,
    (webhook: ReceivedWebhook) => Claim
  >
> = { standard: standardClaim, github: githubClaim, stripe: stripeClaim };

/** https://www.standardwebhooks.com: `webhook-signature: v1,<base64> v1,<base64>`. */
function standardClaim({ headers, body }: ReceivedWebhook): Claim {
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const given = headers.get("webhook-signature");
  if (id === null || timestamp === null || given === null) {
    return { fault: "missing" };
  }
  const signatures = given.split(" ").slice(0, MAX_SIGNATURES)
    .filter((part) => part.startsWith("v1,"))
    .map((part) => Buffer.from(part.slice(3), "base64"));
  const timestampMs = secondsOf(timestamp);
  if (
    signatures.length === 0 || timestampMs === undefined || id === "" ||
    id.length > MAX_DELIVERY_ID
  ) return { fault: "malformed" };
  return {
    signed: [`${id}.${timestamp}.`, body],
    signatures,
    timestampMs,
    deliveryId: id,
  };
}

/** `X-Hub-Signature-256: sha256=<hex>`; it has no timestamp. */
function githubClaim({ headers, body }: ReceivedWebhook): Claim {
  const given = headers.get("x-hub-signature-256");
  if (given === null) return { fault: "missing" };
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(given) ?? [];
  const deliveryId = headers.get("x-github-delivery");
  if (hex === undefined || (deliveryId ?? "").length > MAX_DELIVERY_ID) {
    return { fault: "malformed" };
  }
  return {
    signed: [body],
    signatures: [Buffer.from(hex, "hex")],
    ...(deliveryId ? { deliveryId } : {}),
  };
}

/** `Stripe-Signature: t=<seconds>,v1=<hex>,v1=<hex>`. */
function stripeClaim({ headers, body }: ReceivedWebhook): Claim {
  const given = headers.get("stripe-signature");
  if (given === null) return { fault: "missing" };
  const parts = given.split(",").slice(0, MAX_SIGNATURES)
    .map((part) => part.trim().split("=", 2) as [string, string?]);
  const timestamps = parts.filter(([name]) => name === "t");
  const timestamp = timestamps[0]?.[1] ?? "";
  const timestampMs = secondsOf(timestamp);
  const signatures = parts
    .filter(([name, hex]) => name === "v1" && /^[0-9a-f]{64}$/i.test(hex ?? ""))
    .map(([, hex]) => Buffer.from(hex!, "hex"));
  if (
    timestamps.length !== 1 || timestampMs === undefined ||
    signatures.length === 0
  ) {
    return { fault: "malformed" };
  }
  return { signed: [`${timestamp}.`, body], signatures, timestampMs };
}

function secondsOf(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : undefined;
}

/** Undefined for what would come to an empty key, which everyone has. */
function keyOf(
  scheme: SignatureScheme,
  secret: string,
): string | Buffer | undefined {
  if (scheme !== "standard" || !secret.startsWith("whsec_")) return secret;
  const encoded = secret.slice("whsec_".length);
  return /^[A-Za-z0-9+/]{2,}={0,2}$/.test(encoded)
    ? Buffer.from(encoded, "base64")
    : undefined;
}
