import { type CapturedLog, captureLogger } from "@mainstay/adapters/testing";
import { createMetrics, type Metrics } from "@mainstay/kernel/metrics";
import { openPostgres } from "../open_postgres.ts";
import type { Postgres } from "../postgres.ts";
import type { PostgresConfig } from "../postgres_settings.ts";

/** A {@link Postgres} with what it logged and measured. */
export interface TestedPostgres extends AsyncDisposable {
  readonly postgres: Postgres;
  readonly log: CapturedLog;
  readonly metrics: Metrics;
  /** The value of a series, as `GET /metrics` shows it. */
  metric(series: string): Promise<number | undefined>;
}

/** Opens a PostgreSQL for a test, impatient by default. */
export function openTestPostgres(
  databaseUrl: string,
  config: Partial<PostgresConfig> = {},
): TestedPostgres {
  const log = captureLogger();
  const metrics = createMetrics({
    identity: { name: "test", version: "1.0.0", environment: "test" },
  });
  const postgres = openPostgres({
    databaseUrl,
    databaseMaxOpenConns: 10,
    databaseMaxIdleConns: 10,
    databaseConnMaxLifetimeMs: 3_600_000,
    databaseConnectTimeoutMs: 1000,
    databaseConnectAttempts: 1,
    databaseStatementTimeoutMs: 30_000,
    ...config,
  }, { log, metrics, name: "test" });
  return {
    postgres,
    log,
    metrics,
    async metric(series) {
      const { body } = await metrics.expose();
      const line = body.split("\n").find((l) => l.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    },
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}
