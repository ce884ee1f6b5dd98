import {
  accessTokenMistakes,
  accessTokenSettings,
  httpSettings,
} from "@mainstay/adapters/http";
import { redisSettings } from "@mainstay/adapters/redis";
import {
  boolean,
  type Config,
  ConfigError,
  type ConfigMistake,
  defineSettings,
  duration,
  integer,
  type Kind,
  list,
  type Schedule,
  schedule,
  serviceSettings,
  text,
} from "@mainstay/kernel/config";
import { type ApiKey, formatApiKey, parseApiKey } from "./domain/api_key.ts";

const FIVE_MINUTES_MS = 300_000;

const apiKeyList: Kind<readonly ApiKey[]> = {
  ...list<ApiKey>({
    expects: "name=<SHA-256 in hex>[:publish+read+admin]",
    format: formatApiKey,
    parse: (input) => parseApiKey(String(input)),
  }),
};

const name = (expects: string) =>
  text({ pattern: /^[A-Za-z0-9._:-]{1,200}$/, expects });

/** What the events service is configured with. */
export const eventsSettings = {
  ...serviceSettings,
  ...httpSettings({ servicePort: 8000, adminPort: 9090 }),
  ...redisSettings,
  ...defineSettings({
    stream: {
      env: "STREAM",
      kind: name("a stream name of letters, digits and . _ : -"),
      description: "Redis stream that holds the events",
      default: "event-stream",
    },
    streamShards: {
      env: "STREAM_SHARDS",
      kind: integer({ min: 1, max: 256 }),
      description:
        "Streams that the events are spread over by aggregate id; never change it for a stream that holds events",
      default: 1,
    },
    streamMaxAgeMs: {
      env: "STREAM_MAX_AGE",
      kind: duration({ min: 60_000 }),
      description:
        "Events older than this are trimmed once every group has acknowledged them",
      optional: true,
    },
    streamMaxLength: {
      env: "STREAM_MAX_LENGTH",
      kind: integer({ min: 1_000 }),
      description:
        "Events past this number are trimmed once every group has acknowledged them",
      optional: true,
    },
    consumerGroup: {
      env: "CONSUMER_GROUP",
      kind: name("a group name of letters, digits and . _ : -"),
      description:
        "Consumer group that this service processes for; without one, SERVICE_NAME",
      optional: true,
    },
    concurrency: {
      env: "HANDLER_CONCURRENCY",
      kind: integer({ min: 1, max: 10_000 }),
      description: "Events that are handled at the same time",
      default: 64,
    },
    maxAttempts: {
      env: "MAX_ATTEMPTS",
      kind: integer({ min: 1, max: 100 }),
      description:
        "Attempts to handle an event until it is a dead letter, unless its handler says otherwise",
      default: 5,
    },
    maxBacklog: {
      env: "MAX_BACKLOG",
      kind: integer({ min: 1 }),
      description:
        "Events that may wait to be processed; past it, publishing is refused with 429",
      default: 1_000_000,
    },
    testEventSchedule: {
      env: "TEST_EVENT_SCHEDULE",
      kind: schedule({ min: 1_000, max: 86_400_000 }),
      description: "When a test event is published",
      default: (environment: string): Schedule =>
        environment === "development" ? { everyMs: FIVE_MINUTES_MS } : "off",
    },
    apiKeys: {
      env: "API_KEYS",
      kind: apiKeyList,
      description:
        "Keys that open the service, hashed; `mainstay events api-key create` makes one",
      optional: true,
      secret: true,
    },
    localAccess: {
      env: "LOCAL_ACCESS",
      kind: boolean(),
      description:
        "Whether programs on this machine need no credentials; without it, only if neither API_KEYS nor AUTH_ISSUER is set",
      optional: true,
    },
  }),
  ...accessTokenSettings,
};

/** The values of {@link eventsSettings}. */
export type EventsConfig = Config<typeof eventsSettings>;

/**
 * Looks at what no setting alone can show.
 *
 * @throws {ConfigError} Naming every mistake.
 */
export function checkEventsConfig(config: EventsConfig): void {
  const mistakes: ConfigMistake[] = [...accessTokenMistakes(config)];
  const names = (config.apiKeys ?? []).map((key) => key.name);
  const repeated = names.filter((name, at) => names.indexOf(name) < at);
  for (const name of new Set(repeated)) {
    mistakes.push({ name: "API_KEYS", detail: `has the name ${name} twice` });
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
