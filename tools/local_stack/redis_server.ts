import { freePort } from "./free_port.ts";
import type { RedisBinary } from "./redis_binary.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { superviseProcess } from "./supervised_process.ts";

/** How a private Redis is run. */
export interface RedisServerOptions {
  /** Holds its data and its log; it has no other state. */
  readonly folder: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly password?: string;
  /** Keep an append-only file. */
  readonly appendOnly: boolean;
  /** Further arguments: `["--maxmemory", "2mb"]`. */
  readonly args?: readonly string[];
}

/** A running private Redis on 127.0.0.1. */
export interface RedisServer {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<number>;
  kill(signal: Deno.Signal): void;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 20_000;

/**
 * Starts a Redis that accepts commands when this returns and that ends with
 * this process.
 *
 * @throws {StackUnavailable} If it does not come up, with the end of its log.
 */
export async function startRedisServer(
  binary: RedisBinary,
  options: RedisServerOptions,
): Promise<RedisServer> {
  // A free port may be taken by someone else before Redis binds it.
  for (let attempts = options.port === undefined ? 3 : 1;; attempts--) {
    try {
      return await launch(binary, options, options.port ?? freePort());
    } catch (failure) {
      if (attempts === 1) throw failure;
    }
  }
}

async function launch(
  binary: RedisBinary,
  options: RedisServerOptions,
  port: number,
): Promise<RedisServer> {
  const { folder } = options;
  const config = `${folder}/redis.conf`;
  // In a file, because arguments are seen by every user of the machine.
  await Deno.writeTextFile(
    config,
    [
      "bind 127.0.0.1",
      `port ${port}`,
      `dir "${folder}"`,
      "daemonize no",
      'save ""',
      `appendonly ${options.appendOnly ? "yes" : "no"}`,
      "maxmemory-policy noeviction",
      ...(options.password === undefined
        ? []
        : [`requirepass ${options.password}`]),
    ].join("\n") + "\n",
    { mode: 0o600 },
  );
  const log = `${folder}/redis.log`;
  const server = await superviseProcess({
    command: binary.path,
    args: [config, ...(options.args ?? [])],
    env: { ...binary.env },
    log,
    pidFile: `${folder}/redis.pid`,
  });
  let code: number | undefined;
  void server.exited.then((value) => code = value);
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!await answers(port, options.password)) {
    if (code !== undefined || Date.now() > deadline) {
      await server.stop();
      const text = await Deno.readTextFile(log).catch(() => "");
      const end = text.trim().split("\n").slice(-3).join(" / ");
      throw new StackUnavailable(
        `Cannot start Redis: it ${
          code === undefined ? "does not answer" : `exited with ${code}`
        } (${end}); its log is ${log}`,
        { log, port },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    host: "127.0.0.1",
    port,
    pid: server.pid,
    exited: server.exited,
    kill: server.kill,
    stop: server.stop,
  };
}

/**
 * Whether a server takes commands on `port`: not one that is loading its data
 * and may yet refuse it, which it tells only those who have the password. One
 * that was given users of its own (`args`) answers by refusing a stranger.
 */
async function answers(
  port: number,
  password: string | undefined,
): Promise<boolean> {
  const auth = password === undefined ? "" : `AUTH ${password}\r\n`;
  try {
    using link = await Deno.connect({ hostname: "127.0.0.1", port });
    await link.write(new TextEncoder().encode(`${auth}PING\r\n`));
    const buffer = new Uint8Array(256);
    let answer = "";
    while (!/\+PONG|^-|\n-/.test(answer)) {
      const length = await link.read(buffer);
      if (length === null) return false;
      answer += new TextDecoder().decode(buffer.subarray(0, length));
    }
    return answer.endsWith("+PONG\r\n") ||
      (password === undefined && answer.startsWith("-NOAUTH"));
  } catch {
    return false;
  }
}
