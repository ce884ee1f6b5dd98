import {
  findRedis,
  freePort,
  type RedisServer,
  startRedisServer,
} from "@mainstay/tools/local_stack";
import { createClient } from "redis";

/** How a test's own Redis is run. */
export interface TestRedisOptions {
  /** Further arguments: `["--maxmemory", "2mb"]`. */
  readonly args?: readonly string[];
  /** Whether data survives {@link TestRedis.restart} and `kill("SIGKILL")`. Default false. */
  readonly appendonly?: boolean;
  /** Default: a temporary one, removed at the end. */
  readonly dir?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** A Redis process of a test's own, to be broken at will. */
export interface TestRedis extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number;
  readonly url: string;
  /** Runs one command, over a connection of its own, and gives its reply. */
  cli(...args: string[]): Promise<unknown>;
  /** Sends a signal; after `SIGKILL` resolves once the process is gone. */
  kill(signal: Deno.Signal): Promise<void>;
  /** Stops the process in its tracks (SIGSTOP): connections stay open, nothing answers. */
  freeze(): void;
  /** Lets a frozen process go on. */
  thaw(): void;
  /** Starts again on the same port with the same folder; stops it first if it runs. */
  restart(): Promise<void>;
  /** Stops it in order, as an operator would. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis for faults, on a free port of 127.0.0.1. It ends with
 * `await using`, or with the test process, however that ends.
 */
export async function startRedis(
  options: TestRedisOptions = {},
): Promise<TestRedis> {
  const binary = await findRedis();
  const folder = options.dir ??
    await Deno.makeTempDir({ prefix: "mainstay-redis-" });
  const launch = (port: number | undefined): Promise<RedisServer> =>
    startRedisServer(binary, {
      folder,
      ...(port === undefined ? {} : { port }),
      appendOnly: options.appendonly ?? false,
      args: options.args ?? [],
    });
  let server = await launch(options.port);
  const { host, port } = server;
  const url = `redis://${host}:${port}`;
  return {
    host,
    port,
    url,
    get pid() {
      return server.pid;
    },
    async cli(...args) {
      const client = createClient({
        url,
        socket: { reconnectStrategy: false, connectTimeout: 5000 },
      });
      // Without a listener a lost connection would end the process; the command fails by itself.
      client.on("error", () => {});
      await client.connect();
      try {
        return await client.sendCommand(args);
      } finally {
        client.destroy();
      }
    },
    async kill(signal) {
      server.kill(signal);
      if (signal === "SIGKILL") await server.exited;
    },
    freeze: () => server.kill("SIGSTOP"),
    thaw: () => server.kill("SIGCONT"),
    async restart() {
      await server.stop();
      server = await launch(port);
    },
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await server.stop();
      if (options.dir === undefined) {
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

export { freePort };
