/**
 * What has become of every entry of one shard, as one group sees it. Each entry
 * that was ever added is in exactly one of the counts below `added`.
 */
export interface GroupAudit {
  readonly shard: number;
  /** The stream's key. */
  readonly stream: string;
  readonly group: string;
  /** Entries ever added, as the server counts them. */
  readonly added: number;
  /** In the stream, delivered and done with. */
  readonly acknowledged: number;
  /** Delivered, and neither done with nor waiting for a retry. */
  readonly pending: number;
  /** Delivered, failed, and waiting for the next attempt. */
  readonly waitingForRetry: number;
  /** Valid events that were not delivered yet. */
  readonly undelivered: number;
  /** Undelivered entries that are no valid events: they will become dead letters. */
  readonly foreign: number;
  /** In the stream, and a dead letter of the group. */
  readonly dead: number;
  /** No longer in the stream. */
  readonly trimmed: number;
  /** Of the trimmed: still pending, so that no consumer can handle them any more. */
  readonly lostPending: number;
  /** Of the trimmed: never delivered, as far as the server knows. */
  readonly lostUndelivered: number;
  /** Whether the counts add up to `added` and nothing is lost. */
  readonly complete: boolean;
}

/** Accounts for every entry against the live server. */
export interface Auditor {
  audit(): Promise<readonly GroupAudit[]>;
}
