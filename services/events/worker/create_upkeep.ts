import {
  type Clock,
  type Part,
  sleep,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { Metrics } from "@mainstay/kernel/metrics";
import type {
  GroupInfo,
  RetentionLimits,
  Upkeep,
} from "../domain/consumer_group.ts";
import { describeError } from "./describe_error.ts";

/** What upkeep is made of. */
export interface UpkeepParts {
  readonly upkeep: Upkeep;
  readonly limits: RetentionLimits;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Default 10,000. */
  readonly intervalMs?: number;
  /** Idle time after which a consumer with nothing pending is removed. Default one hour. */
  readonly deadConsumerIdleMs?: number;
}

const HOUR_MS = 3_600_000;
/** Part of the retention limit that unacknowledged entries may take before it is said. */
const WARN_AT = 0.8;

/**
 * Trims, removes dead consumers, and keeps the figures of all groups. Every
 * replica does it: each step is atomic and repeating one changes nothing.
 */
export function createUpkeep(parts: UpkeepParts): Part {
  const { upkeep, limits, metrics, clock = systemClock } = parts;
  const { intervalMs = 10_000, deadConsumerIdleMs = HOUR_MS } = parts;
  const log = parts.log.child("event-upkeep");
  const gauges = createGauges(metrics);
  const stopping = new AbortController();
  let loop: Promise<void> | undefined;
  let shown: ReadonlyMap<string, GroupLabels> = new Map();
  let warned: ReadonlySet<string> = new Set();

  const look = (groups: readonly GroupInfo[]) => {
    const seen = new Map<string, GroupLabels>();
    const tight = new Set<string>();
    for (const info of groups) {
      const labels = { group: info.name, shard: String(info.shard) };
      const key = `${labels.group} ${labels.shard}`;
      seen.set(key, labels);
      const used = usedRetention(info, limits);
      gauges.lag.set(labels, info.lag);
      gauges.lagSeconds.set(labels, info.lagSeconds);
      gauges.pending.set(labels, info.pending);
      gauges.oldestPending.set(labels, info.oldestPendingAgeSeconds);
      gauges.waiting.set(labels, info.waitingForRetry);
      gauges.headroom.set(labels, 1 - used);
      gauges.dead.set({ shard: labels.shard }, info.deadLetters);
      if (used < WARN_AT) continue;
      tight.add(key);
      if (!warned.has(key)) {
        log.warn(
          "Unacknowledged events come near the retention limit: they are kept beyond it",
          { ...labels, used, lag: info.lag, lagSeconds: info.lagSeconds },
        );
      }
    }
    for (const [key, labels] of shown) {
      if (seen.has(key)) continue;
      for (const gauge of gauges.perGroup) gauge.remove(labels);
    }
    shown = seen;
    warned = tight;
  };

  const run = async () => {
    const { signal } = stopping;
    while (!signal.aborted) {
      try {
        look(await upkeep.groups());
        const trimmed = await upkeep.trim(limits);
        gauges.trimmed.add({}, trimmed);
        const removed = await upkeep.removeDeadConsumers(deadConsumerIdleMs);
        if (removed.length > 0) {
          log.info("Removed dead consumers", { consumers: removed });
        }
      } catch (error) {
        log.debug("Upkeep failed: trying again", {
          error: describeError(error),
        });
      }
      await sleep(intervalMs, { signal, clock }).catch(() => {});
    }
  };

  return {
    name: "event-upkeep",
    start() {
      loop = run();
    },
    drain: () => stopping.abort(),
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

type GroupLabels = { readonly group: string; readonly shard: string };

/** How much of the retention limits the unacknowledged entries take: 1 is all. */
function usedRetention(
  { lag, pending, lagSeconds }: GroupInfo,
  { maxLength, maxAgeMs }: RetentionLimits,
): number {
  return Math.max(
    maxLength ? (lag + pending) / maxLength : 0,
    maxAgeMs ? lagSeconds * 1000 / maxAgeMs : 0,
  );
}

function createGauges(metrics: Metrics) {
  const gauge = (name: string, help: string) =>
    metrics.gauge({ name, help, labels: ["group", "shard"] });
  const lag = gauge("events_lag", "Entries not yet delivered to the group.");
  const lagSeconds = gauge(
    "events_lag_seconds",
    "Age of the oldest entry that the group has not acknowledged.",
  );
  const pending = gauge(
    "events_pending",
    "Entries delivered to the group and not acknowledged.",
  );
  const oldestPending = gauge(
    "events_oldest_pending_age_seconds",
    "Age of the oldest pending entry.",
  );
  const waiting = gauge(
    "events_waiting_for_retry",
    "Pending entries that wait for their next attempt.",
  );
  const headroom = gauge(
    "events_trim_headroom_ratio",
    "Part of the retention limit that unacknowledged entries leave free; below 0 they are kept beyond it.",
  );
  return {
    lag,
    lagSeconds,
    pending,
    oldestPending,
    waiting,
    headroom,
    perGroup: [lag, lagSeconds, pending, oldestPending, waiting, headroom],
    dead: metrics.gauge({
      name: "events_dead_letters",
      help: "Dead letters that nobody has replayed or discarded.",
      labels: ["shard"],
    }),
    trimmed: metrics.counter({
      name: "events_trimmed_total",
      help: "Entries removed by retention.",
    }),
  };
}
