/**
 * What holds guessers back, and not those whom they guess at.
 *
 * @module
 */
import { OperationalError } from "@mainstay/kernel/errors";
import type { AttemptLimit, AttemptStore } from "./attempt_store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How each kind of guess is held back. */
export const LIMITS = {
  /** An account, from all browsers that it does not know together. */
  account: {
    free: 5,
    firstDelayMs: 1_000,
    maxDelayMs: 15 * MINUTE_MS,
    forgetAfterMs: 24 * HOUR_MS,
  },
  /** An account from one browser that has signed in to it before. */
  device: {
    free: 10,
    firstDelayMs: 1_000,
    maxDelayMs: 15 * MINUTE_MS,
    forgetAfterMs: 24 * HOUR_MS,
  },
  /** An address, whatever it asks for: many sit behind some. */
  address: {
    free: 30,
    firstDelayMs: 1_000,
    maxDelayMs: 15 * MINUTE_MS,
    forgetAfterMs: HOUR_MS,
  },
  /** Codes of an app and recovery codes, after the right password. */
  secondFactor: {
    free: 5,
    firstDelayMs: 2_000,
    maxDelayMs: 15 * MINUTE_MS,
    forgetAfterMs: 24 * HOUR_MS,
  },
  /** Codes that devices show (RFC 8628, 5.1). */
  userCode: {
    free: 5,
    firstDelayMs: 2_000,
    maxDelayMs: 15 * MINUTE_MS,
    forgetAfterMs: HOUR_MS,
  },
  /** Mails to one account, or asked for by one address. */
  mail: {
    free: 3,
    firstDelayMs: MINUTE_MS,
    maxDelayMs: HOUR_MS,
    forgetAfterMs: 24 * HOUR_MS,
  },
  /** Accounts made from one address. */
  signUp: {
    free: 10,
    firstDelayMs: MINUTE_MS,
    maxDelayMs: HOUR_MS,
    forgetAfterMs: 24 * HOUR_MS,
  },
} as const satisfies Readonly<Record<string, AttemptLimit>>;

/** Whoever guesses has a password, or a device, of their own to succeed with. */
const REFUNDED: readonly string[] = ["address", "userCode"];

/** What is guarded: its kind, and which one. */
export interface Guarded {
  readonly kind: keyof typeof LIMITS;
  readonly of: string;
}

/** Too many attempts have failed. It tells no more than the time to wait. */
export class TooManyAttempts extends OperationalError<"too-many-attempts"> {
  constructor(waitMs: number) {
    const seconds = Math.ceil(waitMs / 1_000);
    super(
      "too-many-attempts",
      `Cannot try again yet: too many attempts have failed; wait ${
        waitText(seconds)
      }`,
      { retryable: true, retryAfterMs: waitMs },
    );
  }
}

function waitText(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "a second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

/**
 * Counts an attempt against everything that it touches, before it is made.
 *
 * @returns What to call when it has succeeded: the failures of what was guessed
 *   at are forgotten. Where something of one's own ends no guessing, which is so
 *   of an address and of device codes, it gives back this one attempt alone.
 * @throws {TooManyAttempts}
 */
export async function takeAttempt(
  attempts: AttemptStore,
  guarded: readonly Guarded[],
): Promise<{ succeeded(): Promise<void> }> {
  const taken: string[] = [];
  for (const each of guarded) {
    const name = nameOf(each);
    const waitMs = await attempts.take(name, LIMITS[each.kind]);
    if (waitMs > 0) {
      // What is not attempted fails nobody.
      for (const other of taken) await attempts.refund(other);
      throw new TooManyAttempts(waitMs);
    }
    taken.push(name);
  }
  return {
    async succeeded() {
      for (const each of guarded) {
        const name = nameOf(each);
        await (REFUNDED.includes(each.kind)
          ? attempts.refund(name)
          : attempts.reset(name));
      }
    },
  };
}

/** Forgets the failures of what is guarded. */
export async function forgetAttempts(
  attempts: AttemptStore,
  guarded: Guarded,
): Promise<void> {
  await attempts.reset(nameOf(guarded));
}

function nameOf({ kind, of }: Guarded): string {
  return `${kind} ${of}`;
}

/** One subscriber has one IPv4 address, or an IPv6 network of 64 bits. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array(Math.max(0, zeros)).fill("0"), ...right];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
