import { grouped, type Queryable } from "@mainstay/adapters/postgres";
import type {
  AuditEntry,
  AuditLog,
  RecordedAuditEntry,
  SealedAuditEntry,
} from "../domain/audit_log.ts";
import { present } from "./row.ts";

interface EntryRow {
  readonly seq: string;
  readonly at: Date;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

interface HeadRow {
  readonly seq: string;
  readonly hash: Uint8Array;
  readonly outside: string | null;
}

interface SealedRow {
  readonly seq: string;
  readonly at_us: string;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  readonly details: string;
  readonly previous_hash: Uint8Array;
  readonly hash: Uint8Array;
}

const PAGE = 1_000;

/**
 * Keeps the audit log in `audit_log`, its newest entry in `audit_head`.
 *
 * Writers take turns, across all replicas, from the append to the commit; in
 * groups, so that many at once need few turns.
 */
export function postgresAuditLog(queryable: Queryable): AuditLog {
  const append = grouped(async (entries: readonly AuditEntry[]) => {
    await queryable.query({
      name: "append-audit",
      text: "SELECT append_audit($1)",
      values: [encode(entries)],
    });
    return entries.map(() => true);
  });
  return {
    async append(entry) {
      await append(entry);
    },
    async list({ limit, before, actor, subject, action }) {
      const { rows } = await queryable.query<EntryRow>(
        `SELECT seq, at, action, actor, subject, details FROM audit_log
         WHERE ($2::bigint IS NULL OR seq < $2)
           AND ($3::text IS NULL OR actor = $3)
           AND ($4::text IS NULL OR subject = $4)
           AND ($5::text IS NULL OR action = $5)
         ORDER BY seq DESC LIMIT $1`,
        [limit, before ?? null, actor ?? null, subject ?? null, action ?? null],
      );
      return rows.map(entryOf);
    },
    async head() {
      // Of one moment: what stands outside of the chain then is no append.
      const { rows: [head] } = await queryable.query<HeadRow>(
        `SELECT seq, hash, coalesce(
           (SELECT min(seq) FROM audit_log WHERE seq < 1),
           (SELECT min(seq) FROM audit_log WHERE seq > audit_head.seq)
         ) AS outside FROM audit_head`,
      );
      if (head === undefined) throw new Error("Cannot read the audit head");
      return {
        seq: Number(head.seq),
        hash: head.hash,
        ...(head.outside === null ? {} : { outside: Number(head.outside) }),
      };
    },
    async *walk(to) {
      // By number and not by LIMIT: PostgreSQL would sort all that is left for
      // each page where it thinks that there is little.
      for (let from = 1; from <= to; from += PAGE) {
        const { rows } = await queryable.query<SealedRow>(
          `SELECT seq, (extract(epoch FROM at) * 1000000)::bigint AS at_us,
             action, actor, subject, details::text AS details, previous_hash,
             hash
           FROM audit_log WHERE seq BETWEEN $1 AND $2 ORDER BY seq`,
          [from, Math.min(from + PAGE - 1, to)],
        );
        if (rows.length === 0) return;
        yield* rows.map(sealedOf);
      }
    },
  };
}

/** Of what clients send, some characters cannot be kept in PostgreSQL: NUL, halves of a pair. */
function encode(entries: readonly AuditEntry[]): string {
  return JSON.stringify(
    entries.map((entry) => ({ details: {}, ...entry })),
    (_key, value) =>
      typeof value === "string"
        ? value.toWellFormed().replaceAll("\0", "\ufffd")
        : value,
  );
}

function entryOf(row: EntryRow): RecordedAuditEntry {
  return {
    seq: Number(row.seq),
    at: row.at,
    action: row.action,
    actor: row.actor,
    details: row.details,
    ...present({ subject: row.subject }),
  };
}

function sealedOf(row: SealedRow): SealedAuditEntry {
  return {
    seq: row.seq,
    atUs: row.at_us,
    action: row.action,
    actor: row.actor,
    subject: row.subject,
    details: row.details,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}
