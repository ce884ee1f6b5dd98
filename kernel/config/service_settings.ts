import { LOG_LEVELS } from "../logging/logger.ts";
import { defineSettings } from "./define_settings.ts";
import { duration } from "./duration.ts";
import { oneOf, text, timezone, url } from "./kinds.ts";

/** Longer than any timer can wait (2³¹ ms would fire at once). */
const LONGEST_MS = 86_400_000;

/** What every service is configured with, whatever it does. */
export const serviceSettings = defineSettings({
  serviceName: {
    env: "SERVICE_NAME",
    kind: text({
      pattern: /^[A-Za-z0-9._-]{1,100}$/,
      expects: "a name of 1–100 letters, digits and . _ -",
    }),
    description: "The service's name in logs, metrics and health bodies",
  },
  serviceVersion: {
    env: "SERVICE_VERSION",
    kind: text({ max: 100 }),
    description: "The service's version in logs, metrics and health bodies",
    default: "1.0.0",
  },
  environment: {
    env: "ENVIRONMENT",
    kind: text({
      pattern: /^[A-Za-z0-9._-]{1,100}$/,
      expects: "a name such as development, test or production",
    }),
    description: "Where the service runs; some defaults depend on it",
    default: "development",
  },
  logLevel: {
    env: "LOG_LEVEL",
    kind: oneOf(LOG_LEVELS),
    description: "The least severe lines that are written",
    default: "INFO",
  },
  logFormat: {
    env: "LOG_FORMAT",
    kind: oneOf(["text", "json"]),
    description: "Lines for people, or one JSON object a line",
    default: "text",
  },
  timezone: {
    env: "TIMEZONE",
    kind: timezone(),
    description: "Time zone of timestamps in text lines; JSON lines are UTC",
    default: "UTC",
  },
  drainDelayMs: {
    env: "DRAIN_DELAY",
    kind: duration({ max: LONGEST_MS }),
    description:
      "From not ready to the end of new work: longer than a balancer takes to notice",
    default: (environment: string) => environment === "development" ? 0 : 5000,
  },
  shutdownTimeoutMs: {
    env: "SHUTDOWN_TIMEOUT",
    kind: duration({ max: LONGEST_MS }),
    description:
      "Time for requests and work in hand at shutdown; then they are cut",
    default: 30_000,
  },
  otlpEndpoint: {
    env: "OTLP_ENDPOINT",
    kind: url(),
    description:
      "OpenTelemetry collector that traces, metrics and logs go to; taken from the environment alone, when the process starts",
    optional: true,
  },
});
