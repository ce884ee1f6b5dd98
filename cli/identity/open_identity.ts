import {
  openPostgres,
  type Postgres,
  postgresSettings,
  postgresToken,
} from "@mainstay/adapters/postgres";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { readPublishedEnvironment } from "@mainstay/tools/local_stack";

/** What the identity servers keep, opened by a command. */
export interface OpenIdentity extends AsyncDisposable {
  readonly postgres: Postgres;
  readonly storage: ReturnType<typeof postgresDatabase.open>;
  /** What the command's settings are read from. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Opens the database that `DATABASE_URL` names, or else that of the `mainstay
 * up` that runs here.
 *
 * @param given Default: the environment of this process.
 * @throws {ConfigError} If there is neither.
 */
export async function openIdentity(
  given: Readonly<Record<string, string>> = Deno.env.toObject(),
): Promise<OpenIdentity> {
  const env = given["DATABASE_URL"]
    ? given
    : { ...given, ...await readPublishedEnvironment() };
  const config = readConfig(postgresSettings, { args: [], env });
  const kernel = createKernel({
    identity: { name: "mainstay", version: "1.0.0", environment: "cli" },
    logging: {
      level: "ERROR",
      format: "text",
      write: (line) => void Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
    },
  });
  const postgres = openPostgres(
    { ...config, databaseMaxIdleConns: 0, databaseConnectAttempts: 1 },
    { log: kernel.log, metrics: kernel.metrics, name: "mainstay" },
  );
  kernel.container.provide(postgresToken, () => postgres);
  return {
    postgres,
    storage: postgresDatabase.open(kernel),
    env,
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}

const encoder = new TextEncoder();
