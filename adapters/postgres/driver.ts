/**
 * The part of the `pg` package that is used, typed. Its published types bring
 * Node's globals into every program that sees them.
 *
 * @module
 */
import pg from "pg";

/** A statement; one with a `name` is parsed once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What a statement returned. */
export interface QueryResult<Row> {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: Row[];
}

/** Node's way of telling a result. */
export type Callback = (error: unknown, result?: unknown) => void;

/** What `pg` is configured with, as far as this adapter does. */
export interface DriverConfig {
  readonly connectionString: string;
  readonly application_name: string;
  readonly connectionTimeoutMillis: number;
  readonly statement_timeout: number;
  readonly idle_in_transaction_session_timeout: number;
  readonly keepAlive: boolean;
}

/** What a pool adds. */
export interface DriverPoolConfig extends DriverConfig {
  readonly max: number;
  readonly min: number;
  readonly maxLifetimeSeconds: number;
  readonly idleTimeoutMillis: number;
  readonly Client: new (config: DriverConfig) => DriverClient;
}

interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
}

/** One connection. */
export interface DriverClient extends Emitter {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly connection: Emitter & {
    readonly stream: { destroy(error?: Error): unknown };
  };
  /** The promise is there only without a callback. */
  connect(callback?: Callback): Promise<unknown>;
  end(): Promise<void>;
  query(
    statement: unknown,
    values?: unknown,
    callback?: Callback,
  ): Promise<QueryResult<unknown>>;
  /** `I` idle, `T` in a transaction, `E` in a failed one; null before the first. */
  getTransactionStatus(): "I" | "T" | "E" | null;
}

/** A connection on loan from a pool. */
export interface DriverPoolClient extends DriverClient {
  /** Gives it back; with `true` or an error it is closed instead. */
  release(destroy?: boolean | Error): void;
}

type ConnectCallback = (
  error: unknown,
  client?: DriverPoolClient,
  done?: unknown,
) => void;

/** A pool of connections. */
export interface DriverPool extends Emitter {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  connect(): Promise<DriverPoolClient>;
  connect(callback: ConnectCallback): void;
  query(
    statement: unknown,
    values?: readonly unknown[],
  ): Promise<QueryResult<unknown>>;
  end(): Promise<void>;
}

/** An error that PostgreSQL answered. */
export interface DriverDatabaseError extends Error {
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly severity: string;
  /** Where in the statement, in characters from 1, as text. */
  readonly position?: string;
}

const driver = pg as unknown as {
  readonly Client: new (config: DriverConfig) => DriverClient;
  readonly Pool: new (config: DriverPoolConfig) => DriverPool;
  readonly DatabaseError: new (...args: never[]) => DriverDatabaseError;
};

export const { Client, Pool, DatabaseError } = driver;
