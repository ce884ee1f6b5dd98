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

/** The record that is only ever added to, each entry sealed by the next. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
}
