import { Connection, type ConnectionOptions } from "./connection.ts";
import { keySlot } from "./key_slot.ts";
import type { RedisReply } from "./redis.ts";
import {
  formatRedisAddress,
  parseRedisAddress,
  type RedisAddress,
  type RedisConfig,
} from "./redis_config.ts";

/** Which server holds which key. */
export interface Topology {
  readonly clustered: boolean;
  /** The primaries as last known; none before the first refresh. */
  readonly primaries: readonly RedisAddress[];
  /** The primary that holds `key`, as last known. */
  primaryOf(key: string): RedisAddress | undefined;
  /** Asks anew; calls while one is under way share it. @throws What the last server asked answered. */
  refresh(signal?: AbortSignal): Promise<void>;
}

/** The topology that a configuration describes. */
export function createTopology(
  config: RedisConfig,
  options: ConnectionOptions,
): Topology {
  const seeds = config.redisClusterNodes ?? [];
  if (seeds.length > 0) {
    return new ClusterTopology(seeds.map(parseRedisAddress), options);
  }
  const sentinels = config.redisSentinels ?? [];
  if (sentinels.length > 0) {
    return new SentinelTopology(
      sentinels.map(parseRedisAddress),
      config.redisSentinelMaster ?? "mymaster",
      options,
    );
  }
  const { redisHost: host, redisPort: port } = config;
  return {
    clustered: false,
    primaries: [{ host, port }],
    primaryOf: () => ({ host, port }),
    refresh: () => Promise.resolve(),
  };
}

/** Asks one server after the other until one gives an answer that holds. */
async function askInTurn<Answer>(
  addresses: readonly RedisAddress[],
  options: ConnectionOptions,
  ask: (connection: Connection) => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  let failure: unknown = new Error("No server to ask");
  for (const address of addresses) {
    signal?.throwIfAborted();
    try {
      const connection = await Connection.open(address, options, signal);
      try {
        return await ask(connection);
      } finally {
        connection.close();
      }
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Shares one refresh among those who ask for it meanwhile. */
class SharedCall {
  #running: Promise<void> | undefined;

  run(call: () => Promise<void>): Promise<void> {
    return this.#running ??= call().finally(() => this.#running = undefined);
  }
}

/** One primary, which the Sentinels name. */
class SentinelTopology implements Topology {
  readonly clustered = false;
  readonly #sentinels: readonly RedisAddress[];
  readonly #master: string;
  readonly #options: ConnectionOptions;
  readonly #call = new SharedCall();
  #primary: RedisAddress | undefined;

  constructor(
    sentinels: readonly RedisAddress[],
    master: string,
    options: ConnectionOptions,
  ) {
    this.#sentinels = sentinels;
    this.#master = master;
    // Sentinels have users of their own, and mostly none; they answer at once.
    this.#options = {
      ...options,
      username: undefined,
      password: undefined,
      connectTimeoutMs: Math.min(options.connectTimeoutMs, 2000),
    };
  }

  get primaries(): readonly RedisAddress[] {
    return this.#primary ? [this.#primary] : [];
  }

  primaryOf(): RedisAddress | undefined {
    return this.#primary;
  }

  refresh(signal?: AbortSignal): Promise<void> {
    return this.#call.run(async () => {
      this.#primary = await askInTurn(
        this.#sentinels,
        this.#options,
        async (connection) => {
          const answer = await connection.send([
            "SENTINEL",
            "get-master-addr-by-name",
            this.#master,
          ]);
          if (!Array.isArray(answer)) {
            throw new Error(`The Sentinels know no primary "${this.#master}"`);
          }
          return { host: String(answer[0]), port: Number(answer[1]) };
        },
        signal,
      );
    });
  }
}

/** Many primaries, each with its hash slots. */
class ClusterTopology implements Topology {
  readonly clustered = true;
  readonly #seeds: readonly RedisAddress[];
  readonly #options: ConnectionOptions;
  readonly #call = new SharedCall();
  #ranges: readonly SlotRange[] = [];

  constructor(seeds: readonly RedisAddress[], options: ConnectionOptions) {
    this.#seeds = seeds;
    this.#options = {
      ...options,
      connectTimeoutMs: Math.min(options.connectTimeoutMs, 2000),
    };
  }

  get primaries(): readonly RedisAddress[] {
    const byName = new Map(
      this.#ranges.map(({ primary }) => [formatRedisAddress(primary), primary]),
    );
    return [...byName.values()];
  }

  primaryOf(key: string): RedisAddress | undefined {
    const slot = keySlot(key);
    return this.#ranges.find(({ from, to }) => from <= slot && slot <= to)
      ?.primary;
  }

  refresh(signal?: AbortSignal): Promise<void> {
    return this.#call.run(async () => {
      const known = new Map(
        [...this.primaries, ...this.#seeds].map(
          (address) => [formatRedisAddress(address), address],
        ),
      );
      this.#ranges = await askInTurn(
        [...known.values()],
        this.#options,
        async (connection) => {
          const ranges = parseSlots(
            await connection.send(["CLUSTER", "SLOTS"]),
            connection.address.host,
          );
          if (ranges.length === 0) throw new Error("CLUSTERDOWN No slots");
          return ranges;
        },
        signal,
      );
    });
  }
}

/** Hash slots and their primary. */
interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly primary: RedisAddress;
}

/** Reads CLUSTER SLOTS; an empty host means the one that was asked. */
function parseSlots(reply: RedisReply, asked: string): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  return (reply as readonly RedisReply[]).flatMap((row) => {
    if (!Array.isArray(row) || !Array.isArray(row[2])) return [];
    const host = row[2][0];
    return [{
      from: Number(row[0]),
      to: Number(row[1]),
      primary: {
        host: typeof host === "string" && host !== "" ? host : asked,
        port: Number(row[2][1]),
      },
    }];
  });
}
