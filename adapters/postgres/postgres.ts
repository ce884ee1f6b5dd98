import type { Kysely } from "kysely";
import type { QueryResult, Statement } from "./driver.ts";

/** Runs statements, on one connection or on any. */
export interface Queryable {
  /**
   * Runs one statement. `$1`, `$2`, … stand for values. A statement with a
   * `name` is parsed once per connection: for those that run often.
   *
   * @throws {DatabaseFailure} If PostgreSQL cannot be used.
   * @throws The driver's error, with its SQLSTATE as `code`, if the statement
   *   is wrong or breaks a constraint.
   */
  query<Row = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/** How many connections there are, and who waits for one. */
export interface PoolStatus {
  readonly max: number;
  readonly active: number;
  readonly idle: number;
  readonly waiting: number;
}

/** How a transaction is isolated from others. Default read committed. */
export type Isolation = "read committed" | "repeatable read" | "serializable";

/** What hears a channel. */
export interface ListenOptions {
  /** From now on nothing is missed, until the call throws. */
  readonly onListening: () => void;
  /** Called with each `NOTIFY`'s payload, in the order of their commits. */
  readonly onMessage: (payload: string) => void;
  readonly signal?: AbortSignal;
  /**
   * How often the connection is tried; one without an answer for as long is
   * lost. Default 1,000.
   */
  readonly heartbeatMs?: number;
}

/** The PostgreSQL of one service. */
export interface Postgres extends Queryable, AsyncDisposable {
  /** The same connections through a typed query builder. */
  kysely<Schema>(): Kysely<Schema>;
  /**
   * Runs `work` in a transaction on one connection: committed if it resolves,
   * rolled back if it throws.
   *
   * @throws {DatabaseFailure} `database-conflict`: repeat the whole call.
   *   `database-outcome-unknown`: the connection was lost during the commit.
   * @throws What `work` throws, untouched.
   */
  transaction<Result>(
    work: (transaction: Queryable) => Promise<Result>,
    isolation?: Isolation,
  ): Promise<Result>;
  readonly pool: PoolStatus;
  /**
   * Waits until PostgreSQL answers, over the configured attempts. A denied
   * access or a missing database is not waited out.
   *
   * @throws {DatabaseFailure} The last attempt's; or the reason of `signal`.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Asks one question over a connection kept for this alone, so that a full
   * pool does not hide a healthy server. An abort of `signal` closes the
   * connection, answer or not.
   *
   * @param question A statement that gives one row. Default: whether the
   *   server takes no writes.
   * @returns That row.
   * @throws {DatabaseFailure} If there is no answer.
   * @throws {TypeError} If the probe before has not ended.
   */
  probe<Row = { readonly readOnly: boolean }>(
    signal: AbortSignal,
    question?: string,
  ): Promise<Row>;
  /** A connection of its own that no statement timeout ends; closed after `work`. */
  alone<Result>(
    work: (connection: Queryable) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result>;
  /**
   * Listens on a channel over a connection of its own, until that is lost or
   * `signal` aborts: it never resolves. Messages of the time in between, and
   * before `onListening`, are not heard: whoever calls it again has to think
   * that it missed some.
   *
   * @throws {DatabaseFailure} If the connection cannot be had, or is lost.
   * @throws The signal's reason.
   */
  listen(channel: string, options: ListenOptions): Promise<never>;
  /** Waits for statements in hand, 5 s at most, and closes everything. Idempotent. */
  close(): Promise<void>;
}
