import {
  boolean,
  defineSettings,
  duration,
  integer,
  list,
  path,
  port,
  text,
} from "@mainstay/kernel/config";

const node = text({
  pattern: /^(\[[0-9A-Fa-f:.]+\]|[^:\s,]+):\d{1,5}$/,
  expects: "host:port",
});

/** How Redis is reached; their values are a `RedisConfig`. */
export const redisSettings = defineSettings({
  redisHost: {
    env: "REDIS_HOST",
    kind: text(),
    description: "Redis server hostname",
  },
  redisPort: {
    env: "REDIS_PORT",
    kind: port(),
    description: "Redis server port",
  },
  redisUser: {
    env: "REDIS_USER",
    kind: text(),
    description: "Redis user, where one is needed",
    optional: true,
  },
  redisPassword: {
    env: "REDIS_PW",
    kind: text(),
    description: "Redis password, where one is needed",
    optional: true,
    secret: true,
  },
  redisTls: {
    env: "REDIS_TLS_ENABLED",
    kind: boolean(),
    description: "Whether Redis is reached over TLS",
    default: false,
  },
  redisTlsCaFile: {
    env: "REDIS_TLS_CA_FILE",
    kind: path(),
    description: "PEM file of the authority that Redis' certificate is from",
    optional: true,
  },
  redisTlsCertFile: {
    env: "REDIS_TLS_CERT_FILE",
    kind: path(),
    description: "PEM file of this client's certificate",
    optional: true,
  },
  redisTlsKeyFile: {
    env: "REDIS_TLS_KEY_FILE",
    kind: path(),
    description: "PEM file of this client's key",
    optional: true,
  },
  redisClusterNodes: {
    env: "REDIS_CLUSTER_NODES",
    kind: list(node),
    description: "Some nodes of a Redis Cluster, host:port; turns it on",
    optional: true,
  },
  redisSentinels: {
    env: "REDIS_SENTINELS",
    kind: list(node),
    description: "Sentinels, host:port; they are asked for the primary",
    optional: true,
  },
  redisSentinelMaster: {
    env: "REDIS_SENTINEL_MASTER",
    kind: text(),
    description: "The name under which the Sentinels know the primary",
    default: "mymaster",
  },
  connectionTimeoutMs: {
    env: "CONNECTION_TIMEOUT",
    kind: duration({ min: 100, max: 600_000 }),
    description: "Time for one attempt to connect to Redis",
    default: 10_000,
  },
  maxRetryAttempts: {
    env: "MAX_RETRY_ATTEMPTS",
    kind: integer({ min: 1, max: 1_000 }),
    description: "Attempts to connect to Redis at start",
    default: 3,
  },
  retryDelaysMs: {
    env: "RETRY_DELAYS",
    kind: list(duration({ max: 600_000 })),
    description: "Pauses between attempts; the last repeats",
    default: [5000, 15_000, 30_000] as readonly number[],
  },
});
