import { httpListeners } from "@mainstay/adapters/http";
import { redisModule } from "@mainstay/adapters/redis";
import { Degraded, type HealthCheck } from "@mainstay/kernel/health";
import {
  createServiceKernel,
  type Kernel,
  type Module,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { checkEventsConfig, type EventsConfig } from "./config.ts";
import type { RetentionLimits } from "./domain/consumer_group.ts";
import type { EventsStorage } from "./domain/events_storage.ts";
import type { EventHandler } from "./domain/handler.ts";
import { on } from "./domain/handler_registry.ts";
import { type Access, createAccess } from "./http/access.ts";
import { deadLetterRoutes } from "./http/dead_letter_routes.ts";
import { groupRoute } from "./http/group_route.ts";
import { healthRoutes } from "./http/health_routes.ts";
import { liveRoute } from "./http/live_route.ts";
import { eventsOpenApi } from "./http/open_api.ts";
import { eventsProblems } from "./http/problems.ts";
import { publishRoute } from "./http/publish_route.ts";
import { readRoute } from "./http/read_route.ts";
import { testEventRoute } from "./http/test_event_route.ts";
import { createTokenVerifier } from "./http/token_verifier.ts";
import { testEventJob } from "./test_event_job.ts";
import { type Consumer, createConsumer } from "./worker/create_consumer.ts";
import { createUpkeep } from "./worker/create_upkeep.ts";

/** Opens what the service keeps; connects to nothing until its parts start. */
export type OpenStorage = (
  config: EventsConfig,
  kernel: Kernel,
) => EventsStorage;

/** What a user of the service adds to it. */
export interface EventsServiceOptions {
  /** Default: one that logs every event as processed. */
  readonly handlers?: readonly EventHandler[];
  /** Checks, metrics, parts and routes of one's own. */
  readonly modules?: readonly Module[];
  /** Takes the log's lines. Default: standard output. */
  readonly writeLog?: (line: string) => void;
}

/** The names under which `/health` and the metrics know the service's checks. */
const CHECKS = { redis: "redis", eventStream: "event-stream" } as const;

/**
 * The events service: publish over HTTP, keep in a stream, process in a
 * consumer group.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function eventsService(
  config: EventsConfig,
  openStorage: OpenStorage,
  { handlers, modules = [], writeLog }: EventsServiceOptions = {},
): Service {
  checkEventsConfig(config);
  const kernel = createServiceKernel(
    config,
    writeLog === undefined ? {} : { write: writeLog },
  );
  const access = accessOf(config);
  return {
    kernel,
    modules: [
      redisModule(config),
      eventsModule(config, openStorage, {
        access,
        handlers: handlers ?? [logEvent],
      }),
      ...modules,
    ],
    listeners: httpListeners(config, {
      problems: eventsProblems,
      openApi: eventsOpenApi,
      identify: (request) => access.identify(request),
    }),
    shutdown: {
      drainDelayMs: config.drainDelayMs,
      shutdownTimeoutMs: config.shutdownTimeoutMs,
    },
  };
}

/** What the module is given that is not a setting. */
interface EventsModuleOptions {
  readonly access: Access;
  readonly handlers: readonly EventHandler[];
}

function eventsModule(
  config: EventsConfig,
  openStorage: OpenStorage,
  { access, handlers }: EventsModuleOptions,
): Module {
  return {
    name: "events",
    dependsOn: ["redis"],
    setup(kernel) {
      const { log: logger, metrics, health } = kernel;
      const storage = openStorage(config, kernel);
      const { log, deadLetters, upkeep } = storage;
      const { serviceName: service, stream } = config;
      const consumer = createConsumer({
        groups: storage.groups,
        replicas: storage.replicas,
        handlers: handlers.map((handler) => ({
          ...handler,
          options: { maxAttempts: config.maxAttempts, ...handler.options },
        })),
        options: { concurrency: config.concurrency },
        log: logger,
        metrics,
      });
      health.register(eventStreamCheck(consumer));
      sayWhoMayAsk(config, logger.child("access"));
      return {
        parts: [
          ...storage.parts,
          testEventJob(log, config.testEventSchedule, {
            service,
            timezone: config.timezone,
            log: logger,
          }),
        ],
        background: [
          consumer,
          createUpkeep({
            upkeep,
            limits: retentionOf(config),
            log: logger,
            metrics,
          }),
        ],
        routes: [
          ...healthRoutes(kernel, {
            checks: CHECKS,
            activity: () => consumer.state(),
            nowMs: systemClock.now,
            startedAtMs: systemClock.now(),
          }),
          testEventRoute(log, { service, stream, clock: systemClock }),
          publishRoute(log, access),
          readRoute(log, access, { stream }),
          liveRoute(log, access),
          groupRoute(upkeep, access),
          ...deadLetterRoutes(deadLetters, access),
        ],
      };
    },
  };
}

function retentionOf(config: EventsConfig): RetentionLimits {
  const { streamMaxAgeMs: maxAgeMs, streamMaxLength: maxLength } = config;
  return {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxLength === undefined ? {} : { maxLength }),
  };
}

/** What the service does with an event when nothing else is asked of it. */
const logEvent = on("*", ({ event, aggregateId, streamId }, context) => {
  const { log, attempt } = context;
  log.info("Event processed", { event, aggregateId, streamId, attempt });
});

function eventStreamCheck(consumer: Consumer): HealthCheck {
  return {
    name: CHECKS.eventStream,
    intervalMs: 1_000,
    // It asks nothing of Redis, so that a start is seen at once.
    downIntervalMs: 100,
    check() {
      const { active, blockedByRetries, ...figures } = consumer.state();
      if (!active) throw new Error("The stream is not being read");
      if (blockedByRetries) {
        throw new Degraded("Reading has stopped: too many retries are waiting");
      }
      return figures;
    },
  };
}

function accessOf(config: EventsConfig): Access {
  const { authIssuer, authAudience, authJwksUrl, apiKeys = [] } = config;
  const verifyToken = authIssuer && authAudience && authJwksUrl
    ? createTokenVerifier({
      issuer: authIssuer,
      audience: authAudience,
      jwksUrl: authJwksUrl,
    })
    : undefined;
  return createAccess({ apiKeys, verifyToken, local: config.localAccess });
}

function sayWhoMayAsk(config: EventsConfig, log: Logger): void {
  const { apiKeys = [], authIssuer } = config;
  if (apiKeys.length === 0 && authIssuer === undefined) {
    log.warn(
      "Only programs on this machine may publish, read and administer: neither API_KEYS nor AUTH_ISSUER is set",
    );
  } else {
    log.info("Callers need an API key or a token", {
      keys: apiKeys.map(({ name }) => name),
      issuer: authIssuer,
    });
  }
}
