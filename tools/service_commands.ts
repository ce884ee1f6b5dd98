import { POSTGRES_DRIVER_VARIABLES } from "@mainstay/adapters/postgres";
import { environmentNames } from "@mainstay/kernel/config";

/** A server of a service, and what it may do besides listening and calling. */
export interface ServiceCommand {
  /** Of its task (`service:authz`), and of its image's stage. */
  readonly target: string;
  /** As it is called in telemetry, unless `SERVICE_NAME` says otherwise. */
  readonly name: string;
  readonly main: string;
  readonly settings: Parameters<typeof environmentNames>[0];
  readonly read: readonly string[];
  readonly write?: readonly string[];
  readonly database: boolean;
  /** Whether it starts processes of Deno, and no others. */
  readonly startsDeno?: boolean;
}

/** Where files that a variable or `--config` names may lie. */
export const FILES = ["configs", "/run/secrets", "/etc/mainstay"];
/** Where a server's admin thread is. */
export const ADMIN_THREAD = "adapters/http";
/** Where backups may lie. */
export const BACKUPS = ["/var/lib/mainstay/backups", ".mainstay/backups"];

/** The permissions of a server, as the command line of Deno has them. */
export function permissionFlags(
  { settings, read, write, database, startsDeno }: ServiceCommand,
): readonly string[] {
  const names = [
    ...environmentNames(settings),
    ...(database ? POSTGRES_DRIVER_VARIABLES : []),
  ];
  return [
    "--allow-net",
    `--allow-read=${read}`,
    ...(write ? [`--allow-write=${write}`] : []),
    "--allow-sys=hostname,systemMemoryInfo",
    `--allow-env=${names}`,
    ...(startsDeno ? ["--allow-run=$DENO"] : []),
  ];
}

/**
 * The permissions of a server whose own files lie in one folder.
 *
 * @param home What the folder is called on the command line.
 */
export function standalonePermissions(
  command: ServiceCommand,
  home: string,
): readonly string[] {
  const elsewhere = [...FILES, ...command.write ?? []];
  return permissionFlags({
    ...command,
    read: [home, ...command.read.filter((path) => elsewhere.includes(path))],
  });
}

/** `deno.json` with the tasks' permissions as the settings ask for them. */
export function withTasks(
  denoJson: string,
  commands: readonly ServiceCommand[],
): string {
  return commands.reduce((text, command) => {
    const line = `${exported(command)} && deno run --no-prompt ${
      permissionFlags(command).join(" ")
    } ${command.main}`;
    return replaced(
      text,
      new RegExp(
        `("service:${command.target}": \\{[^}]*"command": )"[^"\\n]*"`,
      ),
      JSON.stringify(line),
    );
  }, denoJson);
}

/** A Dockerfile with entry points that are the tasks' commands, from the cache alone. */
export function withEntrypoints(
  dockerfile: string,
  commands: readonly ServiceCommand[],
): string {
  return commands.reduce((text, command) => {
    const line = `${
      exported(command)
    } && exec deno run --no-prompt --cached-only --frozen --no-code-cache ${
      permissionFlags(command).join(" ")
    } ${command.main} "$@"`;
    return replaced(
      text,
      new RegExp(
        `(FROM base AS ${command.target}\\n(?:[^F].*\\n)*?)ENTRYPOINT .*`,
      ),
      `ENTRYPOINT ${JSON.stringify(["sh", "-c", line, command.name])}`,
    );
  }, dockerfile);
}

/** The program itself is what may be run: npm's `deno` on PATH is a wrapper. */
function exported({ name, startsDeno }: ServiceCommand): string {
  return `export $(sh bin/otel_environment ${name})${
    startsDeno ? " DENO=$(deno eval 'console.log(Deno.execPath())')" : ""
  }`;
}

function replaced(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`Cannot find ${pattern}`);
  return text.replace(pattern, (_, before: string) => before + by);
}
