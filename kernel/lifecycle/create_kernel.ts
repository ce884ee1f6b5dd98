import { createContainer } from "../container/create_container.ts";
import { createHealthRegistry } from "../health/create_health_registry.ts";
import { createLogging, type LoggingOptions } from "../logging/logging.ts";
import { createMetrics } from "../metrics/create_metrics.ts";
import { createEventLoopLag } from "../metrics/event_loop_lag.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Kernel, ServiceIdentity } from "./module.ts";
import * as tokens from "./tokens.ts";

/** What a kernel is made of. */
export interface KernelOptions {
  readonly identity: ServiceIdentity;
  readonly logging: Omit<LoggingOptions, "identity">;
  /** Put into the container as it is. Default: empty. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Builds what the modules of one service share. Nothing runs yet: `run` starts
 * and stops it.
 *
 * The log, metrics, health registry and configuration are in the container
 * under the tokens `logger`, `logging`, `metrics`, `health` and `config`, and
 * with them `eventLoopLag`.
 *
 * @throws {RangeError} When the log's level or time zone is unknown.
 *
 * @example A kernel without a process around it
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { createKernel, health } from "@mainstay/kernel/lifecycle";
 *
 * const kernel = createKernel({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   logging: { level: "ERROR", format: "json" },
 * });
 *
 * assertEquals(kernel.container.get(health), kernel.health);
 * ```
 */
export function createKernel(options: KernelOptions): Kernel {
  const { identity, clock = systemClock } = options;
  const logging = createLogging({ ...options.logging, identity });
  const log = logging.logger(identity.name);
  const metrics = createMetrics({ identity });
  const health = createHealthRegistry({ log, metrics, clock });
  const container = createContainer();
  container.provide(tokens.logger, () => log);
  container.provide(tokens.logging, () => logging);
  container.provide(tokens.metrics, () => metrics);
  container.provide(tokens.health, () => health);
  container.provide(
    tokens.eventLoopLag,
    () => createEventLoopLag(metrics, clock),
  );
  container.provide(tokens.config, () => options.config ?? {});
  return { identity, log, metrics, health, container };
}
