import { findRedis } from "./find_redis.ts";
import { keptSecret } from "./kept_secret.ts";
import { tryLockFile } from "./file_lock.ts";
import { startPostgresServer } from "./postgres_server.ts";
import { startRedisServer } from "./redis_server.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { checkout, stateFolder, stateHome } from "./state_folder.ts";

/** A kind of server that services stand on. */
export type StackServer = "redis" | "postgres";

/** One server of the stack. */
export interface StackMember {
  readonly name: StackServer;
  /** `host:port`. */
  readonly address: string;
  /** Where it comes from, for a person: "private, data in .mainstay/redis". */
  readonly origin: string;
}

/** The servers that this machine's services use. */
export interface LocalStack {
  /** Variables that name the servers, for the services' configuration. */
  readonly env: Readonly<Record<string, string>>;
  readonly members: readonly StackMember[];
  /** Stops what was started, once nobody uses it any more. Idempotent. */
  stop(): Promise<void>;
}

/** What the stack is made of. */
export interface LocalStackOptions {
  readonly needs: readonly StackServer[];
  /** Variables that may name servers. Default: this process' environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told, in a sentence, before something that takes long, and when a server ended by itself. */
  readonly report?: (line: string) => void;
}

/** Of the private PostgreSQL: the pools of four servers (100 each), and commands. */
const MAX_CONNECTIONS = 450;

/** Variables any of which says that a server is there already. */
const NAMED_BY: Readonly<Record<StackServer, readonly string[]>> = {
  redis: ["REDIS_HOST", "REDIS_CLUSTER_NODES", "REDIS_SENTINELS"],
  postgres: ["DATABASE_URL"],
};

/**
 * Sees to it that each needed server is there: the one that the environment
 * names, else a private one on 127.0.0.1 with a password, which keeps its data
 * in `.mainstay/` and ends with this process, however that ends.
 *
 * @throws {StackUnavailable} If a server cannot be had, with what to do; or if
 *   the stack of this checkout runs in another process.
 */
export async function startLocalStack(
  options: LocalStackOptions,
): Promise<LocalStack> {
  const { needs, env = Deno.env.toObject(), report = () => {} } = options;
  const members: StackMember[] = [];
  const given: Record<string, string> = {};
  await using started = new AsyncDisposableStack();
  for (const name of needs) {
    const variable = NAMED_BY[name].find((variable) => env[variable]);
    if (variable !== undefined) {
      const address = withoutSecret(env[variable] ?? "", env.REDIS_PORT);
      members.push({ name, address, origin: `named by ${variable}` });
      continue;
    }
    const server = await startPrivate(name, started, report);
    let stopping = false;
    started.defer(() => {
      stopping = true;
      return server.stop();
    });
    void server.exited.then((code) => {
      if (stopping) return;
      report(
        `The private ${name} has ended with ${code}; its log is in ${
          shortPath(server.folder)
        }. End this and start it again`,
      );
    });
    Object.assign(given, server.env);
    members.push({
      name,
      address: server.address,
      origin: `private, data in ${shortPath(server.folder)}`,
    });
  }
  const owned = started.move();
  return { env: given, members, stop: () => owned.disposeAsync() };
}

async function startPrivate(
  name: StackServer,
  started: AsyncDisposableStack,
  report: (line: string) => void,
): Promise<PrivateServer> {
  try {
    started.use(await own(name));
    return name === "redis"
      ? await startPrivateRedis(report)
      : await startPrivatePostgres(report);
  } catch (failure) {
    // Of the file system: a folder of someone else, a full or read-only disk.
    const [reason] = /^.*\(os error \d+\)/.exec(
      failure instanceof Error ? failure.message : "",
    ) ?? [];
    if (reason === undefined) throw failure;
    throw new StackUnavailable(
      `Cannot start ${name}: ${reason} in ${stateHome()}; make room and leave ` +
        "to write there, or name another folder with MAINSTAY_HOME",
    );
  }
}

/** A private server with what its users need to know. */
interface PrivateServer {
  readonly env: Readonly<Record<string, string>>;
  readonly address: string;
  readonly folder: string;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

async function startPrivateRedis(
  report: (line: string) => void,
): Promise<PrivateServer> {
  const binary = await findRedis(report);
  const folder = await stateFolder("redis");
  const password = await keptSecret("redis.password");
  const server = await startRedisServer(binary, {
    folder,
    password,
    appendOnly: true,
  });
  const { host, port } = server;
  return {
    env: { REDIS_HOST: host, REDIS_PORT: String(port), REDIS_PW: password },
    address: `${host}:${port}`,
    folder,
    exited: server.exited,
    stop: server.stop,
  };
}

async function startPrivatePostgres(
  report: (line: string) => void,
): Promise<PrivateServer> {
  report("Preparing PostgreSQL");
  const server = await startPostgresServer({
    name: "main",
    password: await keptSecret("postgres.password"),
    settings: { max_connections: String(MAX_CONNECTIONS) },
  });
  return {
    env: { DATABASE_URL: server.url() },
    address: `${server.host}:${server.port}`,
    folder: server.folder,
    exited: server.exited,
    stop: server.stop,
  };
}

/** One process at a time may run the private server of a checkout. */
async function own(name: StackServer): Promise<Disposable> {
  const lock = await tryLockFile(`${await stateFolder()}/${name}.lock`);
  if (typeof lock !== "string") {
    lock.describe(`${Deno.pid}`);
    return lock;
  }
  throw new StackUnavailable(
    `Cannot start ${name}: the one of this checkout is in use by process ${lock}; ` +
      `end that first, or name another server with ${NAMED_BY[name][0]}`,
  );
}

/** As a person in the checkout sees it. */
function shortPath(path: string): string {
  return path.startsWith(`${checkout}/`)
    ? path.slice(checkout.length + 1)
    : path;
}

function withoutSecret(text: string, port: string | undefined): string {
  if (!URL.canParse(text) || !text.includes("//")) {
    return port === undefined || text.includes(":") ? text : `${text}:${port}`;
  }
  return new URL(text).host;
}
