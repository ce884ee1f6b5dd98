/**
 * When signing keys are made, used, retired and forgotten.
 *
 * @module
 */
import { SIGNING_ALGS, type SigningAlg } from "./client.ts";
import type { SigningKeyRecord } from "./signing_key.ts";

/** For how long a verifier may go by a key set that it has fetched. */
export const JWKS_CACHE_MS = 300_000;
/**
 * How long a key is published before it signs: verifiers that keep to the cache
 * time have long had it, and so have those that keep it for longer than told.
 */
export const PUBLISH_AHEAD_MS = 3_600_000;
/** Clocks of replicas and verifiers differ, and replicas learn late. */
const SKEW_MS = 300_000;

/** The rhythm of the keys. */
export interface KeyRotation {
  /** How long a key signs. */
  readonly intervalMs: number;
  /** How long the longest-lived token that a key has signed is good. */
  readonly tokenLifetimeMs: number;
}

/** What is to be done to the keys at a moment. */
export interface KeyPlan {
  /** A key of this kind is missing, to sign from that moment on. */
  readonly add: ReadonlyArray<{
    readonly alg: SigningAlg;
    readonly activeFrom: Date;
  }>;
  /** These sign nothing any more. */
  readonly retire: readonly RetiredKey[];
}

/** A key that has had its time. */
export interface RetiredKey {
  readonly kid: string;
  readonly retiredAt: Date;
  /** Published until then. */
  readonly expiresAt: Date;
}

/**
 * Plans the keys from those that are there. Applied once or twice, here or on
 * another replica, the result is the same.
 */
export function planKeys(
  keys: readonly SigningKeyRecord[],
  nowMs: number,
  { intervalMs, tokenLifetimeMs }: KeyRotation,
): KeyPlan {
  const add: Array<KeyPlan["add"][number]> = [];
  const retire: RetiredKey[] = [];
  for (const alg of SIGNING_ALGS) {
    const current = inTurn(keys).filter((key) =>
      key.alg === alg && key.retiredAt === undefined
    );
    const newest = current.at(-1);
    if (newest === undefined) {
      add.push({ alg, activeFrom: new Date(nowMs) });
      continue;
    }
    const due = newest.activeFrom.getTime() + intervalMs;
    if (due - PUBLISH_AHEAD_MS <= nowMs) {
      const activeFrom = new Date(Math.max(due, nowMs + PUBLISH_AHEAD_MS));
      add.push({ alg, activeFrom });
    }
    for (const [index, { kid }] of current.entries()) {
      const successor = current[index + 1];
      if (successor === undefined) continue;
      const retiredAt = successor.activeFrom;
      if (retiredAt.getTime() > nowMs) continue;
      const expiresAt = retiredAt.getTime() + tokenLifetimeMs + SKEW_MS;
      retire.push({ kid, retiredAt, expiresAt: new Date(expiresAt) });
    }
  }
  return { add, retire };
}

/**
 * The key that signs at a moment: the one whose turn began last.
 *
 * @param keys As {@link inTurn} orders them. Nothing is sorted here: each token asks.
 */
export function signingKeyAt(
  keys: readonly SigningKeyRecord[],
  alg: SigningAlg,
  nowMs: number,
): SigningKeyRecord | undefined {
  return keys.findLast((key) =>
    key.alg === alg && key.activeFrom.getTime() <= nowMs &&
    isPublished(key, nowMs)
  );
}

/** Whether verifiers are to have a key. */
export function isPublished(key: SigningKeyRecord, nowMs: number): boolean {
  return key.expiresAt === undefined || key.expiresAt.getTime() > nowMs;
}

/** Keys in the order of their turns. */
export function inTurn(
  keys: readonly SigningKeyRecord[],
): readonly SigningKeyRecord[] {
  return keys.toSorted((left, right) =>
    left.activeFrom.getTime() - right.activeFrom.getTime() ||
    left.createdAt.getTime() - right.createdAt.getTime()
  );
}
