import {
  type PostgresServer,
  startPostgresServer,
} from "@mainstay/tools/local_stack";

/** How a test's own PostgreSQL is run. */
export interface TestPostgresOptions {
  /** Further settings: `{ max_connections: "20" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether data survives a crash of the machine; off is faster. Default false. */
  readonly fsync?: boolean;
}

/** A PostgreSQL of a test's own, to be broken at will. */
export interface TestPostgres extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Of the postmaster that runs now. */
  readonly pid: number;
  url(database?: string): string;
  /** Sends a signal to the postmaster; after `SIGKILL` resolves once it is gone. */
  kill(signal: Deno.Signal): Promise<void>;
  /** Starts again on the same port with the same data; stops it first if it runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL with an empty data folder of its own, in about a second.
 * It ends with `await using`, or with the test process, however that ends.
 */
export async function startPostgres(
  options: TestPostgresOptions = {},
): Promise<TestPostgres> {
  const name = `test-${crypto.randomUUID().slice(0, 8)}`;
  const password = crypto.randomUUID();
  const launch = (port: number | undefined): Promise<PostgresServer> =>
    startPostgresServer({
      name,
      password,
      ...(port === undefined ? {} : { port }),
      settings: {
        fsync: options.fsync ? "on" : "off",
        ...options.settings,
      },
    });
  let server = await launch(undefined);
  const { host, port, user, folder } = server;
  return {
    host,
    port,
    user,
    password,
    get pid() {
      return server.pid;
    },
    url: (database) => server.url(database),
    async kill(signal) {
      server.kill(signal);
      if (signal === "SIGKILL") await server.exited;
    },
    async restart() {
      await server.stop();
      server = await launch(port);
    },
    stop: () => server.stop(),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
