/**
 * The seals of the audit log: each entry's hash covers the one before.
 *
 * @module
 */
import { hash } from "node:crypto";
import { Buffer } from "node:buffer";
import type {
  AuditHead,
  CurrentAuditHead,
  SealedAuditEntry,
} from "./audit_log.ts";

/** What an entry before the first would have as its hash. */
export const AUDIT_GENESIS: Uint8Array = hash(
  "sha256",
  "mainstay audit log",
  "buffer",
);

/** What was found. */
export type AuditVerdict =
  | { readonly intact: true; readonly entries: number }
  | {
    readonly intact: false;
    /** The first entry that does not hold. */
    readonly seq: number;
    readonly reason: AuditBreak;
  };

/** Why an entry does not hold. */
export type AuditBreak =
  /** Its fields do not give its hash. */
  | "changed"
  /** It does not follow the one before. */
  | "unlinked"
  /** It is not there. */
  | "missing"
  /** It was written beside the chain. */
  | "added"
  /** The chain holds, and is not the one whose head is known. */
  | "replaced";

/**
 * Walks the chain from its first entry, one entry in memory at a time.
 *
 * Finds what was changed, removed, swapped, cut off at the end or added beside
 * it. It cannot find
 * a log that was written anew in full, its head included: compare with a head
 * that is kept elsewhere (`known`).
 *
 * @param head What the database says is the newest entry.
 * @param known Heads that were noted before, in any order.
 */
export async function verifyAuditChain(
  entries: AsyncIterable<SealedAuditEntry>,
  head: CurrentAuditHead,
  known: readonly AuditHead[] = [],
): Promise<AuditVerdict> {
  const heads = new Map(
    [...known, head].map(({ seq }) => [seq, [] as Uint8Array[]]),
  );
  for (const { seq, hash } of [...known, head]) heads.get(seq)?.push(hash);
  let previous = AUDIT_GENESIS;
  let seq = 0;
  for await (const entry of entries) {
    seq += 1;
    if (entry.seq !== String(seq)) return broken(seq, "missing");
    if (!same(entry.previousHash, previous)) return broken(seq, "unlinked");
    if (!same(entry.hash, sealOf(entry))) return broken(seq, "changed");
    if (heads.get(seq)?.some((hash) => !same(hash, entry.hash))) {
      return broken(seq, "replaced");
    }
    previous = entry.hash;
  }
  const expected = Math.max(...heads.keys());
  if (expected > seq) return broken(seq + 1, "missing");
  if (head.outside !== undefined) return broken(head.outside, "added");
  return { intact: true, entries: seq };
}

/** The hash of an entry, from its fields and the hash before. */
export function sealOf(entry: Omit<SealedAuditEntry, "hash">): Uint8Array {
  const { seq, atUs, action, actor, subject, details } = entry;
  return hash(
    "sha256",
    Buffer.concat([
      entry.previousHash,
      ...[seq, atUs, action, actor, subject, details].flatMap(sized),
    ]),
    "buffer",
  );
}

/** A field with its length before it; -1 for none. */
function sized(field: string | null): Uint8Array[] {
  const length = Buffer.alloc(4);
  if (field === null) {
    length.writeInt32BE(-1);
    return [length];
  }
  const bytes = Buffer.from(field);
  length.writeInt32BE(bytes.length);
  return [length, bytes];
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function broken(seq: number, reason: AuditBreak): AuditVerdict {
  return { intact: false, seq, reason };
}
