import type { Kernel, Route, ServedService } from "@mainstay/kernel/lifecycle";
import { createContainer } from "@mainstay/kernel/container";
import type { HealthRegistry, HealthStatus } from "@mainstay/kernel/health";
import { createLogging, type LogLevel } from "@mainstay/kernel/logging";
import { createMetrics } from "@mainstay/kernel/metrics";

/** A service without a life of its own: what a listener sees, in a test's hands. */
export interface ToyService extends ServedService {
  readonly logLines: Array<Record<string, unknown>>;
  readonly stop: AbortController;
  readonly drain: AbortController;
  readonly shutdownReasons: string[];
  health: HealthStatus;
}

export function toyService(
  routes: readonly Route[],
  options: { readonly level?: LogLevel } = {},
): ToyService {
  const identity = { name: "toy", version: "1.2.3", environment: "test" };
  const logLines: Array<Record<string, unknown>> = [];
  const logging = createLogging({
    identity,
    level: options.level ?? "INFO",
    format: "json",
    write: (line) => logLines.push(JSON.parse(line)),
  });
  const stop = new AbortController();
  const drain = new AbortController();
  const shutdownReasons: string[] = [];
  const toy = { health: "healthy" as HealthStatus };
  const health = {
    snapshot: () => ({ status: toy.health, draining: false, checks: [] }),
  } as Partial<HealthRegistry> as HealthRegistry;
  const kernel: Kernel = {
    identity,
    log: logging.logger("toy"),
    health,
    metrics: createMetrics({ identity }),
    container: createContainer(),
  };
  return Object.assign(toy, {
    kernel,
    routes,
    modules: [],
    startedAtMs: 0,
    stopping: stop.signal,
    draining: drain.signal,
    shutdown: (reason: string) => void shutdownReasons.push(reason),
    logLines,
    stop,
    drain,
    shutdownReasons,
  });
}
