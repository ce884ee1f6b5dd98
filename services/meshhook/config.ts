import {
  accessTokenMistakes,
  accessTokenSettings,
  httpSettings,
} from "@mainstay/adapters/http";
import { backupSettings, postgresSettings } from "@mainstay/adapters/postgres";
import {
  bytes,
  type Config,
  ConfigError,
  defineSettings,
  duration,
  encryptionKeys,
  integer,
  type Kind,
  list,
  oneOf,
  serviceSettings,
  text,
  url,
} from "@mainstay/kernel/config";
import { CRITICAL_PARTS, HEALTH_PARTS } from "./domain/health_part.ts";

const openTarget: Kind<string> = text({
  pattern: /^\d{1,3}(\.\d{1,3}){3}(\/([89]|[12]\d|3[0-2]))?(:\d{1,5})?$/,
  expects: "an IPv4 address or network, such as 10.1.0.0/16 or 127.0.0.1:9000",
});

/** What MeshHook is configured with. */
export const meshhookSettings = {
  ...serviceSettings,
  ...httpSettings({ servicePort: 8084 }),
  ...postgresSettings,
  ...backupSettings,
  serviceName: { ...serviceSettings.serviceName, default: "meshhook" },
  ...defineSettings({
    meshhookKek: {
      env: "MESHHOOK_KEK",
      kind: encryptionKeys(),
      description:
        "Keys that projects' secrets are encrypted under: the first encrypts, all decrypt. Without them the secrets are lost",
      secret: true,
    },
    maxWebhookBytes: {
      env: "MAX_WEBHOOK",
      kind: bytes({ min: 1, max: 26_214_400 }),
      description: "Longest body of a webhook",
      default: 1_048_576,
    },
    webhookRateLimit: {
      env: "WEBHOOK_RATE_LIMIT",
      kind: integer({ min: 0, max: 1_000_000_000 }),
      description:
        "Webhooks of one project that each server takes in a minute; 0 is no limit",
      default: (environment: string) =>
        environment === "development" ? 0 : 60_000,
    },
    healthCritical: {
      env: "HEALTH_CRITICAL",
      kind: list(oneOf(HEALTH_PARTS)),
      description: "Parts whose failure makes GET /health answer 500",
      default: CRITICAL_PARTS,
    },
    workerConcurrency: {
      env: "WORKER_CONCURRENCY",
      kind: integer({ min: 1, max: 10_000 }),
      description: "Steps that one worker has in hand at most",
      default: 64,
    },
    targets: {
      env: "TARGETS",
      kind: list(openTarget),
      description:
        "Inside addresses that workflows may call, besides every public one",
      optional: true,
    },
    eventsUrl: {
      env: "EVENTS_URL",
      kind: url(),
      description: "The events service that workflows publish to",
      optional: true,
    },
    eventsApiKey: {
      env: "EVENTS_API_KEY",
      kind: text({ min: 1 }),
      description: "Key that the events service knows MeshHook by",
      optional: true,
      secret: true,
    },
    leaseMs: {
      env: "LEASE",
      kind: duration({ min: 1_000, max: 600_000 }),
      description:
        "How long a step stays with a worker that says nothing of itself",
      default: 30_000,
    },
    supabaseUrl: {
      env: "SUPABASE_URL",
      kind: url(),
      description:
        "The Supabase whose Realtime is looked at. Default: MeshHook's own",
      optional: true,
    },
    supabaseKey: {
      env: "SUPABASE_KEY",
      kind: text({ min: 1 }),
      description: "Key that its Realtime is joined with",
      optional: true,
      secret: true,
    },
    realtimeMaxSockets: {
      env: "REALTIME_MAX_SOCKETS",
      kind: integer({ min: 1, max: 100_000 }),
      description: "Sockets for live logs that a project may have at once",
      default: 500,
    },
    realtimeMaxChannels: {
      env: "REALTIME_MAX_CHANNELS",
      kind: integer({ min: 1, max: 10_000 }),
      description: "Channels on one of them",
      default: 100,
    },
    realtimeJoinRate: {
      env: "REALTIME_JOIN_RATE",
      kind: integer({ min: 1, max: 100_000 }),
      description: "Channels that a project may join in a second",
      default: 200,
    },
    realtimeMaxMessageBytes: {
      env: "REALTIME_MAX_MESSAGE",
      kind: bytes({ min: 1_024, max: 1_048_576 }),
      description: "Longest message of a client of live logs",
      default: 65_536,
    },
    realtimeIdleTimeoutMs: {
      env: "REALTIME_IDLE_TIMEOUT",
      kind: duration({ min: 1_000, max: 3_600_000 }),
      description: "How long such a client may be silent, heartbeats included",
      default: 60_000,
    },
  }),
  ...accessTokenSettings,
};

/** The values of {@link meshhookSettings}. */
export type MeshhookConfig = Config<typeof meshhookSettings>;

/**
 * Looks at what no setting alone can show.
 *
 * @throws {ConfigError}
 */
export function checkMeshhookConfig(config: MeshhookConfig): void {
  const mistakes = accessTokenMistakes(config);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
