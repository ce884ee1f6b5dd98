/** Where one Redis server listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** How the Redis of a service is reached; see `redisSettings`. */
export interface RedisConfig {
  readonly redisHost: string;
  readonly redisPort: number;
  readonly redisUser?: string | undefined;
  readonly redisPassword?: string | undefined;
  readonly redisTls: boolean;
  readonly redisTlsCaFile?: string | undefined;
  readonly redisTlsCertFile?: string | undefined;
  readonly redisTlsKeyFile?: string | undefined;
  /** `host:port` of some nodes; not empty: Redis Cluster. */
  readonly redisClusterNodes?: readonly string[] | undefined;
  /** `host:port` of the Sentinels; not empty: they are asked for the primary. */
  readonly redisSentinels?: readonly string[] | undefined;
  readonly redisSentinelMaster?: string | undefined;
  /** For one attempt to connect. */
  readonly connectionTimeoutMs: number;
  /** Attempts at start before the service gives up. */
  readonly maxRetryAttempts: number;
  /** Pauses between attempts at start; the last repeats. */
  readonly retryDelaysMs: readonly number[];
}

/**
 * Splits `host:port`; an IPv6 address stands in brackets.
 *
 * @throws {TypeError} If there is no valid port.
 */
export function parseRedisAddress(text: string): RedisAddress {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) {
    throw new TypeError(`Cannot parse "${text}": expected host:port`);
  }
  return { host: match[1] ?? match[2] ?? "", port };
}

/** The reverse of {@link parseRedisAddress}. */
export function formatRedisAddress({ host, port }: RedisAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
