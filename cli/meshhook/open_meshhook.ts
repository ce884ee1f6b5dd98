import {
  openPostgres,
  type Postgres,
  postgresSettings,
  postgresToken,
} from "@mainstay/adapters/postgres";
import { readConfig } from "@mainstay/kernel/config";
import {
  createKeyEncryption,
  type KeyEncryption,
} from "@mainstay/kernel/encryption";
import { createKernel } from "@mainstay/kernel/lifecycle";
import { meshhookSettings } from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";
import { readPublishedEnvironment } from "@mainstay/tools/local_stack";
import { requireMigrated } from "../require_migrated.ts";

/** What MeshHook keeps, opened by a command. */
export interface OpenMeshhook extends AsyncDisposable {
  /** Its owner's: row level security shows it nothing of any project. */
  readonly postgres: Postgres;
  readonly storage: ReturnType<typeof postgresDatabase.open>;
  /** What the command's settings are read from. */
  readonly env: Readonly<Record<string, string>>;
  /** @throws {ConfigError} If MESHHOOK_KEK is not there. */
  encryption(): KeyEncryption;
}

/**
 * Opens the database that `MESHHOOK_DATABASE_URL` or `DATABASE_URL` names, or
 * else that of the `mainstay up` that runs here.
 *
 * @param given Default: the environment of this process.
 * @throws {ConfigError} If there is none.
 */
export async function openMeshhook(
  given: Readonly<Record<string, string>> = Deno.env.toObject(),
): Promise<OpenMeshhook> {
  const named = given["MESHHOOK_DATABASE_URL"] || given["DATABASE_URL"];
  const env: Record<string, string> = named
    ? { ...given, DATABASE_URL: named }
    : { ...given, ...ownUrl(await readPublishedEnvironment()) };
  const config = {
    ...readConfig(postgresSettings, { args: [], env }),
    databaseMaxIdleConns: 0,
    databaseConnectAttempts: 1,
  };
  const kernel = createKernel({
    identity: { name: "mainstay", version: "1.0.0", environment: "cli" },
    logging: {
      level: "ERROR",
      format: "text",
      write: (line) => void Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
    },
  });
  const { log, metrics } = kernel;
  const postgres = openPostgres(config, { log, metrics, name: "mainstay" });
  kernel.container.provide(postgresToken, () => postgres);
  const storage = postgresDatabase.open(kernel, config);
  return {
    postgres,
    storage,
    env,
    encryption() {
      const { meshhookKek } = meshhookSettings;
      return createKeyEncryption(
        readConfig({ meshhookKek }, { args: [], env }).meshhookKek,
      );
    },
    async [Symbol.asyncDispose]() {
      for (const part of storage.parts) await part.stop?.();
      await postgres.close();
    },
  };
}

/**
 * Opens it for a command that works on what is there.
 *
 * @throws {NotMigrated} If the database is not of this version.
 */
export async function openMigratedMeshhook(): Promise<OpenMeshhook> {
  await using opened = new AsyncDisposableStack();
  const meshhook = opened.use(await openMeshhook());
  await requireMigrated(meshhook.postgres, {
    migrations: postgresDatabase.migrations,
    remedy: "start a server of MeshHook on it, or name MeshHook's database",
  });
  const owned = opened.move();
  return { ...meshhook, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** As MeshHook itself reads it. */
function ownUrl(
  published: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { DATABASE_URL: _, MESHHOOK_DATABASE_URL: url, ...rest } = published;
  return { ...rest, ...(url === undefined ? {} : { DATABASE_URL: url }) };
}

const encoder = new TextEncoder();
