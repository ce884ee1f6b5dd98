import { type Clock, systemClock } from "@mainstay/kernel/lifecycle";
import type { Gauge, Labels, Metrics } from "@mainstay/kernel/metrics";
import type { GroupInfo, Upkeep } from "./domain/consumer_group.ts";

/** However often it is scraped, Redis is asked no more often than this. */
const REFRESH_MS = 5_000;

type Where = "group" | "shard";

/**
 * Shows how far every consumer group is, by group and shard, read on demand.
 *
 * Each replica shows all of them, so take the maximum over replicas before the
 * sum over shards. When Redis cannot be asked there is no figure, never an old
 * one.
 */
export function addGroupMetrics(
  metrics: Metrics,
  { groups }: Pick<Upkeep, "groups">,
  clock: Clock = systemClock,
): void {
  const gauge = (name: string, help: string): Gauge<Where> =>
    metrics.gauge({ name, help, labels: ["group", "shard"] });
  const figures: ReadonlyArray<
    readonly [Gauge<Where>, (info: GroupInfo) => number]
  > = [
    [
      gauge("events_lag", "Events not yet delivered to the group."),
      (info) => info.lag,
    ],
    [
      gauge(
        "events_lag_seconds",
        "Age of the oldest event that the group has not acknowledged.",
      ),
      (info) => info.lagSeconds,
    ],
    [
      gauge("events_pending", "Events delivered and not acknowledged."),
      (info) => info.pending,
    ],
    [
      gauge(
        "events_oldest_pending_seconds",
        "Age of the oldest event that is delivered and not acknowledged.",
      ),
      (info) => info.oldestPendingAgeSeconds,
    ],
    [
      gauge("events_waiting_for_retry", "Events that wait for their retry."),
      (info) => info.waitingForRetry,
    ],
    [
      gauge("events_dead_letters", "Dead letters that are kept."),
      (info) => info.deadLetters,
    ],
  ];
  let shown: readonly Labels<Where>[] = [];
  let askedAtMs = -Infinity;

  function show(infos: readonly GroupInfo[]): void {
    for (const labels of shown) {
      for (const [gauge] of figures) gauge.remove(labels);
    }
    shown = infos.map(({ name, shard }) => ({
      group: name,
      shard: String(shard),
    }));
    for (const [at, info] of infos.entries()) {
      for (const [gauge, read] of figures) {
        gauge.set(shown[at] as Labels<Where>, read(info));
      }
    }
  }

  metrics.onScrape(async () => {
    if (clock.elapsed() - askedAtMs < REFRESH_MS) return;
    askedAtMs = clock.elapsed();
    try {
      show(await groups());
    } catch (failure) {
      show([]);
      throw failure;
    }
  });
}
