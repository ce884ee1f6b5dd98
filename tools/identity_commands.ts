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
const MIGRATIONS = "services/identity/storage/migrations";
const BACKUPS = ["/var/lib/mainstay/backups", ".mainstay/backups"];

/** The identity servers, with the permissions of their tasks and images. */
const SERVERS: readonly Permissions[] = [
  {
    folder: "authz",
    name: "authz",
    read: [WORKER, MIGRATIONS, ...FILES, ...BACKUPS],
    write: BACKUPS,
    database: true,
  },
  {
    folder: "idp",
    name: "idp",
    read: [WORKER, MIGRATIONS, ...FILES],
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

function flags({ folder, read, write, database }: Permissions): string {
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
  ].join(" ");
}

/** `deno.json` with the tasks' permissions as the settings ask for them. */
export function withIdentityTasks(denoJson: string): string {
  return SERVERS.reduce((text, server) => {
    const { folder, name } = server;
    const command =
      `export $(sh bin/otel_environment ${name}) && deno run --no-prompt ${
        flags(server)
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
        flags(server)
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
