import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { envExample, readConfig } from "@mainstay/kernel/config";
import { postgresSettings } from "./postgres_settings.ts";

const DATABASE_URL = "postgres://app:hunter2@db:5432/identity_db";

Deno.test("postgresSettings has the runbook's defaults", () => {
  const config = readConfig(postgresSettings, {
    args: [],
    env: { DATABASE_URL },
  });
  deepStrictEqual(config, {
    databaseUrl: DATABASE_URL,
    databaseMaxOpenConns: 100,
    databaseMaxIdleConns: 10,
    databaseConnMaxLifetimeMs: 3_600_000,
    databaseConnectTimeoutMs: 5000,
    databaseConnectAttempts: 20,
    databaseStatementTimeoutMs: 30_000,
  });
});

Deno.test("postgresSettings refuses other URLs without showing them", () => {
  throws(
    () =>
      readConfig(postgresSettings, {
        args: [],
        env: { DATABASE_URL: "mysql://app:hunter2@db/x" },
      }),
    (error) => error instanceof Error && !/hunter2|mysql/.test(error.message),
  );
  ok(envExample(postgresSettings).includes("\nDATABASE_URL=\n"));
});
