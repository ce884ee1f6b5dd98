/**
 * Time-based one-time passwords (RFC 6238): six digits of HMAC-SHA1, each good
 * for 30 seconds, which is what every authenticator app has.
 *
 * @module
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const STEP_MS = 30_000;
const DIGITS = 6;
/** RFC 4648. */
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Makes a secret of 160 bits, as long as the hash (RFC 4226, 4). */
export function newTotpSecret(): Uint8Array {
  return new Uint8Array(randomBytes(20));
}

/** The code of a time step. */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = createHmac("sha1", secret)
    .update(new Uint8Array(counter.buffer)).digest();
  const number = mac.readUInt32BE(mac[mac.length - 1]! & 0xf) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, "0");
}

/**
 * Finds the time step that a code is of: now, or one to either side, for a
 * clock that is off. Whether the step was used before is for its store to say.
 *
 * @returns Undefined for a code that is of none of them.
 */
export function totpStepOf(
  secret: Uint8Array,
  code: string,
  nowMs: number,
): number | undefined {
  const given = new TextEncoder().encode(code.replaceAll(/\s/g, ""));
  const now = Math.floor(nowMs / STEP_MS);
  let found: number | undefined;
  // All three are compared, so that the time does not tell which one it was.
  for (const step of [now + 1, now - 1, now]) {
    const right = new TextEncoder().encode(totpCode(secret, step));
    if (given.length === right.length && timingSafeEqual(given, right)) {
      found = step;
    }
  }
  return found;
}

/** The secret as people type it, in groups of four. */
export function totpSecretText(secret: Uint8Array): string {
  return base32(secret).replaceAll(/.{4}(?=.)/g, "$& ");
}

/** What authenticator apps read from a QR code. */
export function otpauthUri(
  secret: Uint8Array,
  { issuer, account }: { readonly issuer: string; readonly account: string },
): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const name = encodeURIComponent(issuer);
  return `otpauth://totp/${label}?secret=${
    base32(secret)
  }&issuer=${name}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_MS / 1000}`;
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + BASE32[(held << (5 - bits)) & 31];
}
