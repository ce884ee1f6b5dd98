import type { Metrics } from "@mainstay/kernel/metrics";

/** Types whose series are bound once; publishers choose types. */
const MAX_BOUND = 500;
const SECONDS = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  300,
];

/** The figures of consuming. */
export type ConsumerMetrics = ReturnType<typeof createConsumerMetrics>;

/** Registers what the consumer counts. */
export function createConsumerMetrics(metrics: Metrics) {
  const processed = metrics.counter({
    name: "events_processed_total",
    help: "Attempts to handle an event, by type and outcome.",
    labels: ["type", "outcome"],
  });
  const duration = metrics.histogram({
    name: "events_handler_duration_seconds",
    help: "Time that handlers took, by event type.",
    labels: ["type"],
    buckets: SECONDS,
    maxSeries: 200,
  });
  const endToEnd = metrics.histogram({
    name: "events_end_to_end_seconds",
    help: "Time from an event's publication to its acknowledgement.",
    buckets: SECONDS,
  }).bind({});
  const bound = new Map<string, ReturnType<typeof bind>>();
  const bind = (type: string) => ({
    success: processed.bind({ type, outcome: "success" }),
    duration: duration.bind({ type }),
  });
  return {
    processed,
    endToEnd,
    /** The two figures of every handled event, for one type. */
    ofType(type: string): ReturnType<typeof bind> {
      let series = bound.get(type);
      if (!series) {
        series = bind(type);
        if (bound.size < MAX_BOUND) bound.set(type, series);
      }
      return series;
    },
    failed: metrics.counter({
      name: "events_failed_total",
      help: "Attempts that failed, by event type.",
      labels: ["type"],
    }),
    retried: metrics.counter({
      name: "events_retried_total",
      help: "Retries that were scheduled, by event type.",
      labels: ["type"],
    }),
    deadLettered: metrics.counter({
      name: "events_dead_lettered_total",
      help: "Events moved to the dead letters, by type and reason.",
      labels: ["type", "reason"],
    }),
    unhandled: metrics.counter({
      name: "events_unhandled_total",
      help: "Events acknowledged because no handler is for their type.",
      labels: ["type"],
      maxSeries: 100,
    }),
    abandoned: metrics.counter({
      name: "events_handlers_abandoned_total",
      help: "Handlers that had not ended long after they were told to.",
      labels: ["type"],
    }),
    claimed: metrics.counter({
      name: "events_claimed_total",
      help: "Entries taken over from another consumer, or taken up again.",
    }),
    revoked: metrics.counter({
      name: "events_revoked_total",
      help: "Entries in hand that passed to another consumer.",
    }),
    trimmed: metrics.counter({
      name: "events_trimmed_pending_total",
      help: "Pending entries that were trimmed before they were acknowledged.",
    }),
    recreated: metrics.counter({
      name: "events_group_recreated_total",
      help: "Consumer groups that were lost and created again.",
      labels: ["shard"],
    }),
    owned: metrics.gauge({
      name: "events_shard_owned",
      help:
        "With several shards, whether this process consumes the shard (1) or not (0).",
      labels: ["shard"],
    }),
    inHand: metrics.gauge({
      name: "events_in_hand",
      help: "Entries that this process holds, by state.",
      labels: ["state"],
    }),
  };
}
