/** Asks one question with the permissions that a service has: for tests. */
import { readConfig } from "@mainstay/kernel/config";
import type { Logger } from "@mainstay/kernel/logging";
import { createMetrics } from "@mainstay/kernel/metrics";
import { openPostgres } from "../open_postgres.ts";
import { postgresSettings } from "../postgres_settings.ts";

const ignore = () => {};
const log: Logger = {
  error: ignore,
  warn: ignore,
  info: ignore,
  debug: ignore,
  trace: ignore,
  enabled: () => false,
  child: () => log,
};
const identity = { name: "test", version: "1.0.0", environment: "test" };
await using postgres = openPostgres(readConfig(postgresSettings), {
  log,
  metrics: createMetrics({ identity }),
  name: "test",
});
const { rows } = await postgres.query("SELECT 6 * 7 AS answer");
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(rows)));
