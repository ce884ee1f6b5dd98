import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import { retry } from "@mainstay/kernel/resilience";
import { Kysely, PostgresDialect, type PostgresPool } from "kysely";
import { DatabaseFailure, lossFacts, type Place } from "./database_failure.ts";
import type {
  DriverClient,
  DriverConfig,
  DriverPool,
  QueryResult,
  Statement,
} from "./driver.ts";
import { listenOn } from "./listen.ts";
import { observedClient, type ObservedClientClass } from "./observed_client.ts";
import { observedPool } from "./observed_pool.ts";
import { observePool } from "./pool_metrics.ts";
import type {
  Isolation,
  ListenOptions,
  PoolStatus,
  Postgres,
  Queryable,
} from "./postgres.ts";
import type { PostgresConfig } from "./postgres_settings.ts";
import { observeQueries } from "./query_observer.ts";
import { wholeUrl } from "./whole_url.ts";

/** What the connections of a service need from its kernel. */
export interface PostgresDependencies {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Shown by PostgreSQL as `application_name`. */
  readonly name: string;
}

/** How long PostgreSQL may take to cancel a statement that is over its time. */
const CANCEL_GRACE_MS = 5000;
/** How long statements in hand may take when all is closed. */
const CLOSE_TIMEOUT_MS = 5000;
/** A transaction left open by a bug does not hold its locks for ever. */
const IDLE_IN_TRANSACTION_MS = 60_000;
/** Above `databaseMaxIdleConns`, idle connections are closed after this time. */
const IDLE_MS = 10_000;
/** The longest time that a timer can wait. */
const NEVER_MS = 2 ** 31 - 1;
const TAKES_NO_WRITES =
  `SELECT current_setting('transaction_read_only') = 'on' AS "readOnly"`;
const START_DELAYS = { baseMs: 250, maxMs: 5000 };

/**
 * Prepares the connections of a service to PostgreSQL. None is opened before it
 * is needed; `ready` waits for the first.
 *
 * Every statement is measured (`db_query_duration_seconds{operation}`) and
 * every failure of the database counted and explained, whether it is run here,
 * in a transaction or through Kysely. The death of a connection, idle or on
 * loan, never ends the process.
 *
 * @throws {TypeError} If the URL is no connection URL or names no user, without
 *   repeating it.
 */
export function openPostgres(
  config: PostgresConfig,
  dependencies: PostgresDependencies,
): Postgres {
  return new PooledPostgres(config, dependencies);
}

class PooledPostgres implements Postgres {
  readonly #config: PostgresConfig;
  readonly #driverConfig: DriverConfig;
  readonly #log: Logger;
  readonly #open = new Map<DriverClient, Promise<void>>();
  readonly #pool: DriverPool;
  readonly #kysely: Kysely<unknown>;
  readonly #Client: ObservedClientClass;
  /** Without a limit on the time of a statement. */
  readonly #PatientClient: ObservedClientClass;
  readonly #place: Place;
  readonly #stopObserving: () => void;
  #probe: DriverClient | undefined;
  #probing = false;
  #closing: Promise<void> | undefined;

  constructor(
    config: PostgresConfig,
    { log, metrics, name }: PostgresDependencies,
  ) {
    const observer = observeQueries(metrics);
    const open = this.#open;
    this.#config = config;
    this.#log = log.child("database");
    this.#driverConfig = {
      connectionString: wholeUrl(config.databaseUrl),
      application_name: name,
      connectionTimeoutMillis: config.databaseConnectTimeoutMs,
      statement_timeout: config.databaseStatementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
    };
    this.#Client = observedClient({
      observer,
      open,
      answerTimeoutMs: config.databaseStatementTimeoutMs + CANCEL_GRACE_MS,
    });
    this.#PatientClient = observedClient({
      observer,
      open,
      answerTimeoutMs: NEVER_MS,
    });
    this.#place = this.#readPlace();
    this.#pool = observedPool(
      {
        ...this.#driverConfig,
        Client: this.#Client,
        max: config.databaseMaxOpenConns,
        min: Math.min(config.databaseMaxIdleConns, config.databaseMaxOpenConns),
        maxLifetimeSeconds: config.databaseConnMaxLifetimeMs / 1000,
        idleTimeoutMillis: IDLE_MS,
      },
      this.#place,
      observer,
    );
    this.#pool.on("error", (error: unknown) => {
      const facts = lossFacts(error, this.#place);
      this.#log.warn("An idle connection was lost", facts);
    });
    this.#kysely = new Kysely({
      dialect: new PostgresDialect({
        pool: this.#pool as unknown as PostgresPool,
      }),
    });
    this.#stopObserving = observePool(metrics, () => this.pool);
  }

  get pool(): PoolStatus {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return {
      max: this.#config.databaseMaxOpenConns,
      active: totalCount - idleCount,
      idle: idleCount,
      waiting: waitingCount,
    };
  }

  kysely<Schema>(): Kysely<Schema> {
    return this.#kysely as Kysely<Schema>;
  }

  // Not the pool's own `query`: it reports a loss before it can be explained,
  // and closes a connection for each error that PostgreSQL answers.
  async query<Row>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    const client = await this.#pool.connect();
    try {
      return await client.query(statement, values) as QueryResult<Row>;
    } finally {
      client.release();
    }
  }

  async transaction<Result>(
    work: (transaction: Queryable) => Promise<Result>,
    isolation?: Isolation,
  ): Promise<Result> {
    const client = await this.#pool.connect();
    let usable = false;
    try {
      await client.query(
        isolation ? `BEGIN ISOLATION LEVEL ${isolation}` : "BEGIN",
      );
      const result = await lend(client, work);
      const { command } = await client.query("COMMIT");
      usable = true;
      // Answered when a statement failed and `work` went on regardless.
      if (command !== "COMMIT") {
        throw new Error(
          "Cannot commit: a statement of the transaction had failed",
        );
      }
      return result;
    } catch (error) {
      if (!usable) usable = await rollBack(client);
      throw error;
    } finally {
      client.release(!usable);
    }
  }

  async ready(signal?: AbortSignal): Promise<void> {
    const log = this.#log;
    const attempts = this.#config.databaseConnectAttempts;
    await retry(({ attempt }) => {
      log.info(`Connection attempt ${attempt}/${attempts}`, { attempt });
      return this.query("SELECT 1");
    }, {
      attempts,
      delays: START_DELAYS,
      ...(signal && { signal }),
      onRetry({ error, delayMs }) {
        const facts = error instanceof DatabaseFailure ? error.facts : {};
        log.warn("Cannot connect to the database", {
          ...facts,
          retryInMs: Math.round(delayMs),
        });
      },
    });
    log.info("Connected to the database", { ...this.#place });
  }

  async probe<Row = { readonly readOnly: boolean }>(
    signal: AbortSignal,
    question = TAKES_NO_WRITES,
  ): Promise<Row> {
    signal.throwIfAborted();
    this.#refuseClosed();
    if (this.#probing) {
      throw new TypeError("Cannot probe the database: a probe is under way");
    }
    this.#probing = true;
    const client = this.#probe ?? new this.#Client(this.#driverConfig);
    const cut = () => void client.connection.stream.destroy();
    signal.addEventListener("abort", cut, { once: true });
    try {
      if (client !== this.#probe) await client.connect();
      this.#probe = client;
      const { rows } = await client.query(question);
      return rows[0] as Row;
    } catch (failure) {
      this.#probe = undefined;
      cut();
      throw failure;
    } finally {
      this.#probing = false;
      signal.removeEventListener("abort", cut);
    }
  }

  async alone<Result>(
    work: (connection: Queryable) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    signal?.throwIfAborted();
    this.#refuseClosed();
    const client = new this.#PatientClient(this.#driverConfig);
    const cut = () => void client.connection.stream.destroy();
    signal?.addEventListener("abort", cut, { once: true });
    try {
      await client.connect();
      await client.query("SET statement_timeout = 0");
      // So that a statement does not outlive its client, holding its locks.
      // Before PostgreSQL 14, and on some systems, there is no such setting.
      await client.query("SET client_connection_check_interval = '1s'")
        .catch(() => {});
      return await lend(client, work);
    } catch (failure) {
      signal?.throwIfAborted();
      throw failure;
    } finally {
      signal?.removeEventListener("abort", cut);
      await endWithin(client, CLOSE_TIMEOUT_MS);
    }
  }

  async listen(channel: string, options: ListenOptions): Promise<never> {
    options.signal?.throwIfAborted();
    this.#refuseClosed();
    const client = new this.#Client(this.#driverConfig);
    const cut = () => void client.connection.stream.destroy();
    options.signal?.addEventListener("abort", cut, { once: true });
    try {
      return await listenOn(client, channel, options);
    } catch (failure) {
      options.signal?.throwIfAborted();
      throw failure;
    } finally {
      options.signal?.removeEventListener("abort", cut);
      cut();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopObserving();
    // Not awaited: a borrower that never gives back would be waited for.
    // Rejects if someone has destroyed the query builder, which ends it too.
    this.#pool.end().catch(() => {});
    void this.#probe?.end();
    const deadline = setTimeout(() => {
      this.#log.warn("Connections are cut: they did not end in time", {
        connections: this.#open.size,
      });
      for (const client of this.#open.keys()) {
        client.connection.stream.destroy();
      }
    }, CLOSE_TIMEOUT_MS);
    while (this.#open.size > 0) await Promise.all(this.#open.values());
    clearTimeout(deadline);
  }

  #refuseClosed(): void {
    if (this.#closing) {
      throw new TypeError(
        "Cannot use the database: its connections are closed",
      );
    }
  }

  #readPlace(): Place {
    try {
      const { host, port, database } = new this.#Client(this.#driverConfig);
      return { host, port, database };
    } catch (failure) {
      const badUrl = failure instanceof TypeError ||
        failure instanceof URIError;
      if (!badUrl) throw failure;
      // Without its cause, which may repeat the URL.
      throw new TypeError("Cannot open PostgreSQL: its URL is not valid");
    }
  }
}

/** Lends a connection to `work`, no longer than that runs: it is then someone else's. */
async function lend<Result>(
  client: DriverClient,
  work: (connection: Queryable) => Promise<Result>,
): Promise<Result> {
  let lent = true;
  try {
    return await work({
      query<Row>(statement: string | Statement, values?: readonly unknown[]) {
        if (!lent) {
          throw new TypeError("Cannot query: the connection was given back");
        }
        return client.query(statement, values) as Promise<QueryResult<Row>>;
      },
    });
  } finally {
    lent = false;
  }
}

/** Whether the connection can be used again. */
async function rollBack(client: DriverClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false;
  }
}

async function endWithin(client: DriverClient, ms: number): Promise<void> {
  const deadline = setTimeout(() => client.connection.stream.destroy(), ms);
  await client.end();
  clearTimeout(deadline);
}
