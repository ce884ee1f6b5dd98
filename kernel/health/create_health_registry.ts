import { type Clock, systemClock } from "../lifecycle/clock.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { CheckRunner, type RunResult, type Standing } from "./check_runner.ts";
import {
  type CheckSettings,
  parseCheckSettings,
  WELL_KNOWN_GROUPS,
} from "./check_settings.ts";
import { failureText } from "./failure_text.ts";
import { aggregateStatus } from "./health_aggregate.ts";
import type {
  CheckSnapshot,
  HealthCheck,
  HealthSnapshot,
  HealthStatus,
  HealthTransition,
} from "./health_check.ts";
import { createHealthMetrics } from "./health_metrics.ts";
import type { HealthRegistry, SnapshotSelection } from "./health_registry.ts";
import {
  type HysteresisState,
  INITIAL_STATE,
  nextState,
} from "./hysteresis.ts";

/** What a health registry reports to, and the clock that it lives by. */
export interface HealthRegistryOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

interface Entry {
  readonly settings: CheckSettings;
  readonly runner: CheckRunner;
  state: HysteresisState;
  /** The last result; undefined before the first. */
  last: (RunResult & { readonly checkedAtMs: number }) | undefined;
  /** On the stopwatch: the last result, else the first moment that one could come. */
  freshAt: number;
  /** Whether the check is slow and that has been said. */
  slow: boolean;
}

type Listener = (transition: HealthTransition) => void;

/**
 * Builds the registry of one service's checks.
 *
 * @example A check and what is known of it
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { createKernel } from "@mainstay/kernel/lifecycle";
 *
 * const { health } = createKernel({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   logging: { level: "INFO", format: "text", write: () => {} },
 * });
 * health.register({
 *   name: "stock",
 *   check: () => {
 *     throw new Error("The shelf is empty");
 *   },
 * });
 * await health.refresh("stock");
 *
 * const [stock] = health.snapshot().checks;
 * assertEquals(stock?.status, "unhealthy");
 * assertEquals(stock?.error, "The shelf is empty");
 * ```
 */
export function createHealthRegistry(
  { log: serviceLog, metrics, clock = systemClock }: HealthRegistryOptions,
): HealthRegistry {
  const log = serviceLog.child("health");
  const entries = new Map<string, Entry>();
  const groups = new Set<string>(WELL_KNOWN_GROUPS);
  const listeners = new Set<Listener>();
  const outbox: HealthTransition[] = [];
  const meters = createHealthMetrics(metrics);
  let dispatching = false;
  let running = false;
  let draining = false;
  let started = false;

  metrics.onScrape(() => void registry.snapshot());

  function record(entry: Entry, result: RunResult): Standing {
    const { name, timeoutMs } = entry.settings;
    const from = entry.state.status;
    entry.state = nextState(entry.state, result.outcome, entry.settings);
    entry.last = { ...result, checkedAtMs: clock.now() };
    entry.freshAt = clock.elapsed();
    meters.observe(name, entry.state.status, result.durationMs);
    if (result.outcome !== "failed") {
      const slow = result.durationMs > timeoutMs / 2;
      if (slow && !entry.slow) {
        log.warn(`Check ${name} is slow`, {
          check: name,
          durationMs: Math.round(result.durationMs),
          timeoutMs,
        });
      }
      entry.slow = slow;
    }
    announce(entry, from, result.error);
    const { status, consecutiveFailures } = entry.state;
    if (status === "unhealthy") return "down";
    return consecutiveFailures > 0 ? "suspect" : "up";
  }

  function announce(
    { settings: { name, critical }, state: { status: to } }: Entry,
    from: HealthStatus,
    error: string | undefined,
  ): void {
    if (from === to) return;
    const fields = { check: name, from, to, ...(error && { error }) };
    const message = `Check ${name} is ${to}`;
    if (to === "healthy") log.info(message, fields);
    // What a start waits for is not broken yet.
    else if (to === "unhealthy" && critical && from !== "starting") {
      log.error(message, fields);
    } else log.warn(message, fields);
    meters.transition(name, to);
    outbox.push({ check: name, from, to, error });
    // A listener that reads a snapshot may cause a transition: it waits here,
    // so that every listener sees all of them in one order.
    if (dispatching) return;
    dispatching = true;
    for (let next = outbox.shift(); next; next = outbox.shift()) {
      for (const listener of listeners) tell(listener, next);
    }
    dispatching = false;
  }

  function tell(listener: Listener, transition: HealthTransition): void {
    try {
      listener(transition);
    } catch (failure) {
      log.error("A listener of health transitions failed", {
        check: transition.check,
        error: failureText(failure),
      });
    }
  }

  /** A result too old is worth nothing: unhealthy from the moment that it is noticed. */
  function noticeAge(entry: Entry): string | undefined {
    const ageMs = clock.elapsed() - entry.freshAt;
    if (!running || ageMs <= entry.settings.maxAgeMs) return undefined;
    const error = `No result for ${Math.round(ageMs)} ms`;
    const from = entry.state.status;
    entry.state = {
      ...entry.state,
      status: "unhealthy",
      consecutiveSuccesses: 0,
    };
    meters.observe(entry.settings.name, "unhealthy");
    announce(entry, from, error);
    return error;
  }

  function view(entry: Entry): CheckSnapshot {
    const staleness = noticeAge(entry);
    const { settings, state, last } = entry;
    return {
      name: settings.name,
      status: state.status,
      critical: settings.critical,
      groups: settings.groups,
      scope: settings.scope,
      checkedAtMs: last?.checkedAtMs,
      durationMs: last?.durationMs,
      consecutiveFailures: state.consecutiveFailures,
      error: staleness ?? last?.error,
      details: last?.details,
    };
  }

  function unknownGroups({ name, groups: wanted }: CheckSettings): string[] {
    return wanted.filter((group) => !groups.has(group)).map((group) =>
      `${group} (of ${name})`
    );
  }

  function refuseUnknownGroups(settings: Iterable<CheckSettings>): void {
    const unknown = [...settings].flatMap(unknownGroups);
    if (unknown.length === 0) return;
    throw new TypeError(
      `Cannot start checks: unknown groups ${unknown.join(", ")}`,
    );
  }

  const registry: HealthRegistry = {
    register(check: HealthCheck) {
      const settings = parseCheckSettings(check);
      const { name } = settings;
      if (entries.has(name)) {
        throw new TypeError(`Cannot register check ${name}: the name is taken`);
      }
      if (running) refuseUnknownGroups([settings]);
      const entry: Entry = {
        settings,
        runner: new CheckRunner(
          check,
          settings,
          clock,
          (result) => record(entry, result),
        ),
        state: INITIAL_STATE,
        last: undefined,
        freshAt: clock.elapsed(),
        slow: false,
      };
      entries.set(name, entry);
      meters.observe(name, "starting");
      if (running) entry.runner.start();
      return () => {
        if (entries.get(name) === entry) registry.unregister(name);
      };
    },
    unregister(name) {
      const entry = entries.get(name);
      if (entry === undefined) return false;
      entries.delete(name);
      entry.runner.stop();
      meters.remove(name);
      return true;
    },
    defineGroup(name) {
      groups.add(name);
    },
    start() {
      if (running) return;
      refuseUnknownGroups(entries.values().map(({ settings }) => settings));
      running = true;
      for (const entry of entries.values()) {
        entry.freshAt = clock.elapsed();
        entry.runner.start();
      }
    },
    stop() {
      running = false;
      for (const { runner } of entries.values()) runner.stop();
    },
    snapshot({ group, exclude = [] }: SnapshotSelection = {}): HealthSnapshot {
      const checks = entries.values().filter(({ settings }) =>
        (group === undefined || settings.groups.includes(group)) &&
        !exclude.includes(settings.name)
      ).map(view).toArray();
      return { status: statusOf(group, checks), draining, checks };
    },
    async refresh(name) {
      const entry = entries.get(name);
      if (entry === undefined) {
        throw new TypeError(`Cannot refresh check ${name}: there is none`);
      }
      await entry.runner.refresh();
    },
    onTransition(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setDraining() {
      draining = true;
    },
    setStarted() {
      started = true;
    },
  };

  function statusOf(
    group: string | undefined,
    checks: readonly CheckSnapshot[],
  ): HealthStatus {
    if (draining && group === "ready") return "unhealthy";
    if (!started && (group === "ready" || group === "startup")) {
      return "starting";
    }
    return aggregateStatus(checks);
  }

  return registry;
}
