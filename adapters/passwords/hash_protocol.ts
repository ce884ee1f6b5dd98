/** What the main thread asks of a hashing thread. */
export interface HashTask {
  readonly password: string;
  /** Checked against `password`; without it, a new hash is made. */
  readonly encoded?: string | undefined;
}

/** What it answers: a new hash, or whether the password is the one. */
export type HashResult = string | boolean;
