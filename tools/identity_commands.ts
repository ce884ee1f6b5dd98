import { POSTGRES_DRIVER_VARIABLES } from "@mainstay/adapters/postgres";
import { type IdentityServer, identitySettings } from "@mainstay/identity";
import { environmentNames } from "@mainstay/kernel/config";

/** What a server may do besides listening and calling. */
interface Permissions {
  readonly folder: IdentityServer;
  /** As it is called in telemetry, unless `SERVICE_NAME` says otherwise. */
  readonly name: string;
  readonly read: readonly string[];
  readonly write?: readonly string[];
  readonly database: boolean;
}

/** Where files that a variable or `--config` names may lie. */
const FILES = ["configs", "/run/secrets", "/etc/mainstay"];
const WORKER = "adapters/http";
/** Where the thread that hashes passwords is. */
const HASHING = "adapters/passwords";
const MIGRATIONS = "services/identity/storage/migrations";
const BACKUPS = ["/var/lib/mainstay/backups", ".mainstay/backups"];

/** The identity servers, with the permissions of their tasks and images. */
const SERVERS: readonly Permissions[] = [
  {
    folder: "authz",
    name: "authz",
    read: [WORKER, HASHING, MIGRATIONS, ...FILES, ...BACKUPS],
    write: BACKUPS,
    database: true,
  },
  {
    folder: "idp",
    name: "idp",
    read: [WORKER, HASHING, MIGRATIONS, ...FILES],
    database: true,
  },
  {
    folder: "rs",
    name: "rs",
    read: [WORKER, MIGRATIONS, ...FILES],
    database: true,
  },
  {
    folder: "spa",
    name: "spa-rp",
    read: [WORKER, ...FILES, ".mainstay/console"],
    database: false,
  },
];

/**
 * The permissions of a server whose own files lie in one folder.
 *
 * @param home What the folder is called on the command line.
 */
export function standalonePermissions(
  folder: IdentityServer,
  home: string,
): readonly string[] {
  const server = SERVERS.find((server) => server.folder === folder)!;
  const elsewhere = [...FILES, ...server.write ?? []];
  return flags({
    ...server,
    read: [home, ...server.read.filter((path) => elsewhere.includes(path))],
  });
}

/** What a server is called in telemetry. */
export function telemetryName(folder: IdentityServer): string {
  return SERVERS.find((server) => server.folder === folder)!.name;
}

function flags(
  { folder, read, write, database }: Permissions,
): readonly string[] {
  const names = [
    ...environmentNames(identitySettings(folder)),
    ...(database ? POSTGRES_DRIVER_VARIABLES : []),
  ];
  return [
    "--allow-net",
    `--allow-read=${read}`,
    ...(write ? [`--allow-write=${write}`] : []),
    "--allow-sys=hostname,systemMemoryInfo",
    `--allow-env=${names}`,
  ];
}

/** `deno.json` with the tasks' permissions as the settings ask for them. */
export function withIdentityTasks(denoJson: string): string {
  return SERVERS.reduce((text, server) => {
    const { folder, name } = server;
    const command =
      `export $(sh bin/otel_environment ${name}) && deno run --no-prompt ${
        flags(server).join(" ")
      } services/identity/${folder}/main.ts`;
    return replaced(
      text,
      new RegExp(`("service:${folder}": \\{[^}]*"command": )"[^"\\n]*"`),
      JSON.stringify(command),
    );
  }, denoJson);
}

/** The images' Dockerfile with entry points that are the tasks' commands, from the cache alone. */
export function withIdentityEntrypoints(dockerfile: string): string {
  return SERVERS.reduce((text, server) => {
    const { folder, name } = server;
    const command =
      `export $(sh bin/otel_environment ${name}) && exec deno run --no-prompt --cached-only --frozen --no-code-cache ${
        flags(server).join(" ")
      } services/identity/${folder}/main.ts "$@"`;
    return replaced(
      text,
      new RegExp(`(FROM base AS ${folder}\\n(?:[^F].*\\n)*?)ENTRYPOINT .*`),
      `ENTRYPOINT ${JSON.stringify(["sh", "-c", command, name])}`,
    );
  }, dockerfile);
}

function replaced(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`Cannot find ${pattern}`);
  return text.replace(pattern, (_, before: string) => before + by);
}
