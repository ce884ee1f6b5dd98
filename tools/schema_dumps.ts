import {
  describeSchema,
  migrate,
  openPostgres,
  postgresSettings,
  readMigrations,
} from "@mainstay/adapters/postgres";
import { postgresDatabase } from "@mainstay/identity/storage";
import { readConfig } from "@mainstay/kernel/config";
import { createKernel } from "@mainstay/kernel/lifecycle";
import type { GeneratedFile } from "./generated_files.ts";
import { startPostgresServer } from "./local_stack/mod.ts";

/** Where each service's migrations are, and what they come to. */
const SCHEMAS = [
  { service: "identity", migrations: postgresDatabase.migrations },
] as const;

/**
 * Writes down what the migrations of each service make of an empty database, so
 * that a change of it is seen whole. Starts a PostgreSQL for it, for a moment.
 */
export async function dumpSchemas(): Promise<readonly GeneratedFile[]> {
  const name = `schema-${crypto.randomUUID().slice(0, 8)}`;
  const server = await startPostgresServer({
    name,
    password: crypto.randomUUID(),
    settings: { fsync: "off" },
  });
  try {
    const files: GeneratedFile[] = [];
    for (const { service, migrations } of SCHEMAS) {
      const text = await dumpSchema(server.url(), migrations);
      files.push({
        path: `docs/schema/${service}.sql`,
        text:
          `-- The database of the ${service} servers, as its migrations make it; generated\n` +
          `-- by \`deno task gen\`.\n\n${text}`,
      });
    }
    return files;
  } finally {
    await server.stop();
    await Deno.remove(server.folder, { recursive: true });
  }
}

async function dumpSchema(url: string, migrations: URL): Promise<string> {
  const { log, metrics, container } = createKernel({
    identity: { name: "schema", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "text" },
  });
  const config = readConfig(postgresSettings, {
    args: [],
    env: { DATABASE_URL: url, DATABASE_MAX_IDLE_CONNS: "0" },
  });
  await using postgres = openPostgres(config, { log, metrics, name: "schema" });
  await postgres.ready();
  await migrate(postgres, await readMigrations(migrations));
  const text = await describeSchema(postgres);
  await container.dispose();
  return text;
}
