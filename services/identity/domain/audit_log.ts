/** Something that happened and must stay known. */
export interface AuditEntry {
  /** Dotted, past tense: `user.signed_in`, `client.secret_rotated`. */
  readonly action: string;
  /** Who did it: `user:<id>`, `client:<id>`, `operator:<name>`, `system`. */
  readonly actor: string;
  /** What it was done to, in the same form. */
  readonly subject?: string;
  /** Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An entry as it is kept. */
export interface RecordedAuditEntry extends AuditEntry {
  /** From 1, without a gap. */
  readonly seq: number;
  readonly at: Date;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The newest entry: how many there are, and the seal of them all. */
export interface AuditHead {
  /** 0: there is none. */
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** The newest entry as the log has it now. */
export interface CurrentAuditHead extends AuditHead {
  /** Of an entry that was written beside the chain: before its first, or past its newest. */
  readonly outside?: number;
}

/** An entry with its seal, its fields as the seal covers them. */
export interface SealedAuditEntry {
  readonly seq: string;
  /** Microseconds since 1970. */
  readonly atUs: string;
  readonly action: string;
  readonly actor: string;
  readonly subject: string | null;
  /** JSON text. */
  readonly details: string;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

/** Which entries; newest first. */
export interface AuditSelection {
  readonly limit: number;
  /** Only those before this one. */
  readonly before?: number;
  readonly actor?: string;
  readonly subject?: string;
  readonly action?: string;
}

/** The record that is only ever added to, each entry sealed by the next. */
export interface AuditLog {
  /** Resolves once the entry is durable. */
  append(entry: AuditEntry): Promise<void>;
  list(selection: AuditSelection): Promise<readonly RecordedAuditEntry[]>;
  head(): Promise<CurrentAuditHead>;
  /** The entries from 1 to `to`, oldest first, a page at a time; ends where a page is missing. */
  walk(to: number): AsyncIterable<SealedAuditEntry>;
}
