import {
  checkout,
  findRedis,
  freePort,
  type RedisServer,
  startRedisServer,
  type SupervisedProcess,
  superviseProcess,
} from "@mainstay/tools/local_stack";

/** The settings of every service and audit of a drill. */
export const DRILL_STREAM = { STREAM: "drill", STREAM_SHARDS: "4" } as const;

/** A replica of the service on the stage. */
export interface Replica {
  readonly url: string;
  readonly process: SupervisedProcess;
}

/** A private Redis and two replicas, to be broken at will. */
export interface DrillStage extends AsyncDisposable {
  readonly redisPort: number;
  /** Kills Redis (SIGKILL) and starts it again with what it had written. */
  crashRedis(): Promise<void>;
  /** Stops Redis in its tracks for a while: connections stay, nothing answers. */
  freezeRedis(ms: number): Promise<void>;
  /** Kills one replica (SIGKILL). The other is the one that is asked. */
  crashReplica(): Promise<void>;
  /** Ends one replica as a deployment would. */
  stopReplica(): Promise<void>;
  /** The replica that no drill touches. */
  readonly url: string;
}

/**
 * Builds a stage in a folder of its own; nothing of it is left afterwards.
 *
 * Redis writes each command to its disk before it answers, since a drill of
 * "nothing acknowledged is lost" means nothing otherwise. There are several
 * shards, so that those of a killed replica pass to the other within seconds.
 */
export async function openDrillStage(): Promise<DrillStage> {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-drill-" });
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  try {
    const binary = await findRedis();
    const port = freePort();
    const launch = () =>
      startRedisServer(binary, {
        folder,
        port,
        appendOnly: true,
        args: ["--appendfsync", "always"],
      });
    let redis: RedisServer = await launch();
    stack.defer(() => redis.stop());
    const [kept, victim] = await Promise.all([
      startReplica(`${folder}/kept.log`, port, stack),
      startReplica(`${folder}/victim.log`, port, stack),
    ]);
    await Promise.all([waitUntilReady(kept.url), waitUntilReady(victim.url)]);
    const owned = stack.move();
    return {
      redisPort: port,
      url: kept.url,
      async crashRedis() {
        redis.kill("SIGKILL");
        await redis.exited;
        redis = await launch();
      },
      async freezeRedis(ms) {
        redis.kill("SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, ms));
        redis.kill("SIGCONT");
      },
      async crashReplica() {
        victim.process.kill("SIGKILL");
        await victim.process.exited;
      },
      stopReplica: () => victim.process.stop(),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (failure) {
    await stack.disposeAsync();
    throw failure;
  }
}

async function startReplica(
  log: string,
  redisPort: number,
  stack: AsyncDisposableStack,
): Promise<Replica> {
  const port = freePort();
  const process = await superviseProcess({
    command: Deno.execPath(),
    args: ["run", "-A", "services/events/main.ts"],
    cwd: checkout,
    log,
    env: {
      ...DRILL_STREAM,
      SERVICE_NAME: "drill",
      SERVICE_PORT: String(port),
      ADMIN_PORT: "0",
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: String(redisPort),
      TEST_EVENT_SCHEDULE: "off",
      LOG_LEVEL: "WARN",
      DRAIN_DELAY: "0",
    },
  });
  stack.defer(() => process.stop());
  return { url: `http://127.0.0.1:${port}`, process };
}

/** @throws {Error} After half a minute. */
async function waitUntilReady(url: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/health/ready`);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // It is not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The replica at ${url} did not become ready`);
}
