/**
 * Codes that a device shows and its user types elsewhere (RFC 8628, 6.1).
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { hashSecret, type SecretHash } from "./bearer_secret.ts";

/** No vowels, so that no words appear; no letter that is taken for a digit. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";

/** Makes a code of eight letters, `WDJB-MJHT`: one of 25 billion. */
export function newUserCode(): string {
  const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(20)]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

/** A code as it is shown, however it was typed; undefined if it can be none. */
export function tryParseUserCode(text: string): string | undefined {
  const letters = text.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
  return letters.length === 8
    ? `${letters.slice(0, 4)}-${letters.slice(4)}`
    : undefined;
}

/** What is kept of a code. */
export function hashUserCode(code: string): SecretHash {
  return hashSecret(`user code ${code}`);
}
