import {
  type Config,
  defineSettings,
  duration,
  integer,
  url,
} from "@mainstay/kernel/config";

/** How PostgreSQL is reached; their values are a {@link PostgresConfig}. */
export const postgresSettings = defineSettings({
  databaseUrl: {
    env: "DATABASE_URL",
    yaml: "database.url",
    kind: url({ protocols: ["postgres", "postgresql"] }),
    description:
      "Where PostgreSQL is: postgres://user:password@host:port/database",
    secret: true,
  },
  databaseMaxOpenConns: {
    env: "DATABASE_MAX_OPEN_CONNS",
    yaml: "database.max_open_conns",
    kind: integer({ min: 1, max: 10_000 }),
    description: "Connections at most; callers wait for a free one",
    default: 100,
  },
  databaseMaxIdleConns: {
    env: "DATABASE_MAX_IDLE_CONNS",
    yaml: "database.max_idle_conns",
    kind: integer({ min: 0, max: 10_000 }),
    description:
      "Connections that stay open without work; others close after 10 s",
    default: 10,
  },
  databaseConnMaxLifetimeMs: {
    env: "DATABASE_CONN_MAX_LIFETIME",
    yaml: "database.conn_max_lifetime",
    kind: duration({ min: 1000, max: 604_800_000 }),
    description: "A connection is replaced after this time",
    default: 3_600_000,
  },
  databaseConnectTimeoutMs: {
    env: "DATABASE_CONNECT_TIMEOUT",
    yaml: "database.connect_timeout",
    kind: duration({ min: 100, max: 600_000 }),
    description: "Time to get a connection, new or free",
    default: 5000,
  },
  databaseConnectAttempts: {
    env: "DATABASE_CONNECT_ATTEMPTS",
    yaml: "database.connect_attempts",
    kind: integer({ min: 1, max: 10_000 }),
    description: "Attempts to reach PostgreSQL at start, up to 5 s apart",
    default: 20,
  },
  databaseStatementTimeoutMs: {
    env: "DATABASE_STATEMENT_TIMEOUT",
    yaml: "database.statement_timeout",
    kind: duration({ min: 100, max: 86_400_000 }),
    description: "Time for one statement; PostgreSQL then cancels it",
    default: 30_000,
  },
});

/** How PostgreSQL is reached. */
export type PostgresConfig = Config<typeof postgresSettings>;

/**
 * Variables that the driver reads by itself, whatever the URL says: what
 * `--allow-env` must name besides those of the settings.
 */
export const POSTGRES_DRIVER_VARIABLES = [
  "PGBINARY",
  "PGCLIENT_ENCODING",
  "PGOPTIONS",
  "PGREPLICATION",
  "PGSSLMODE",
  "PGSSLNEGOTIATION",
] as const;
