import { freePort } from "./free_port.ts";
import { preparePostgres } from "./postgres_binaries.ts";
import { serverFolder } from "./server_folder.ts";
import { serverUser } from "./server_user.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { superviseProcess } from "./supervised_process.ts";

/** How a private PostgreSQL is run. */
export interface PostgresServerOptions {
  /** Names its folder, `postgres/<name>` of the state folder; the data in it is kept. */
  readonly name: string;
  /** Of the superuser `mainstay`; used when the data folder is made. */
  readonly password: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Settings: `{ fsync: "off" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running private PostgreSQL on 127.0.0.1. */
export interface PostgresServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly user: "mainstay";
  readonly password: string;
  /** Of the postmaster. */
  readonly pid: number;
  /** Where its data and log are, for removal after {@link stop}. */
  readonly folder: string;
  readonly exited: Promise<number>;
  /** The connection URL of a database; `postgres` is always there. */
  url(database?: string): string;
  kill(signal: Deno.Signal): void;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;

/**
 * Starts a PostgreSQL that accepts connections when this returns and that ends
 * with this process. As root it runs as `nobody`, because it refuses root.
 *
 * @throws {StackUnavailable} If it does not come up, with the end of its log.
 */
export async function startPostgresServer(
  options: PostgresServerOptions,
): Promise<PostgresServer> {
  const user = await serverUser();
  const binaries = await preparePostgres(user);
  const folder = await serverFolder(`postgres/${options.name}`, user);
  const data = `${folder}/data`;
  if (!await exists(`${data}/PG_VERSION`)) {
    await initialise(binaries.initdb, data, options.password, user);
  }
  const log = `${folder}/postgres.log`;
  const launch = async (port: number) => {
    const server = await superviseProcess({
      command: binaries.postgres,
      args: [
        ["-D", data],
        ["-p", String(port)],
        ...Object.entries({
          listen_addresses: "127.0.0.1",
          unix_socket_directories: "",
          ...options.settings,
        }).map(([name, value]) => ["-c", `${name}=${value}`]),
      ].flat(),
      env: { TZ: "UTC", LC_ALL: "C" },
      log,
      pidFile: `${folder}/postgres.pid`,
      // "Fast": ends sessions, keeps what is committed.
      stopSignal: "INT",
      ...user,
    });
    if (await ready(data, server)) return { ...server, port };
    await server.stop();
    return undefined;
  };
  // A free port may be taken by someone else before it is bound.
  const ports = options.port === undefined
    ? [freePort(), freePort(), freePort()]
    : [options.port];
  for (const port of ports) {
    const server = await launch(port);
    if (server === undefined) continue;
    return {
      host: "127.0.0.1",
      port,
      user: "mainstay",
      password: options.password,
      pid: server.pid,
      folder,
      exited: server.exited,
      url: (database = "postgres") =>
        `postgres://mainstay:${
          encodeURIComponent(options.password)
        }@127.0.0.1:${port}/${database}`,
      kill: server.kill,
      stop: server.stop,
    };
  }
  const text = await Deno.readTextFile(log).catch(() => "");
  const end = text.trim().split("\n").slice(-3).join(" / ");
  throw new StackUnavailable(
    `Cannot start PostgreSQL: it does not come up (${end})`,
    { log },
  );
}

/** Makes a data folder; one that was cut off is not taken for whole. */
async function initialise(
  initdb: string,
  data: string,
  password: string,
  user: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const draft = `${data}.new`;
  const secret = `${data}.password`;
  await Deno.remove(draft, { recursive: true }).catch(() => {});
  try {
    await Deno.writeTextFile(secret, password, { mode: 0o600 });
    if (user !== undefined) await Deno.chown(secret, user.uid, user.gid);
    const { success, stderr } = await new Deno.Command(initdb, {
      args: [
        `--pgdata=${draft}`,
        "--username=mainstay",
        `--pwfile=${secret}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
      ],
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      ...user,
    }).output();
    if (!success) {
      const said = new TextDecoder().decode(stderr).trim();
      throw new StackUnavailable(
        `Cannot start PostgreSQL: its data folder was not made (${said})`,
      );
    }
  } finally {
    await Deno.remove(secret).catch(() => {});
  }
  await Deno.rename(draft, data);
}

/** Waits until the postmaster says in its pid file that it takes connections. */
async function ready(
  data: string,
  server: { readonly pid: number; readonly exited: Promise<number> },
): Promise<boolean> {
  let ended = false;
  void server.exited.then(() => ended = true);
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!ended && Date.now() < deadline) {
    const file = await Deno.readTextFile(`${data}/postmaster.pid`)
      .catch(() => "");
    const [pid, , , , , , , status] = file.split("\n");
    if (Number(pid) === server.pid && status?.trim() === "ready") return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
