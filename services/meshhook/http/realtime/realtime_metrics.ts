import type { Metrics } from "@mainstay/kernel/metrics";

/** In seconds: from the commit to the moment when it is handed to sockets. */
const BUCKETS = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10],
];

/** Why something was not granted. */
export type Refusal = "join" | "socket" | "origin";

/** What is counted of live logs. */
export interface RealtimeMetrics {
  sent(event: string): void;
  refused(what: Refusal): void;
  lag(seconds: number): void;
}

/**
 * Creates `realtime_sockets`, `realtime_channels`, `realtime_messages_total`,
 * `realtime_refusals_total` and `realtime_lag_seconds`.
 *
 * @param present Asked at each scrape.
 */
export function createRealtimeMetrics(
  metrics: Metrics,
  present: () => { readonly sockets: number; readonly channels: number },
): RealtimeMetrics {
  const sockets = metrics.gauge({
    name: "realtime_sockets",
    help: "Sockets that are open for live logs",
  });
  const channels = metrics.gauge({
    name: "realtime_channels",
    help: "Channels that are joined on them",
  });
  const messages = metrics.counter({
    name: "realtime_messages_total",
    help: "Messages sent to clients of live logs",
    labels: ["event"],
  });
  const refusals = metrics.counter({
    name: "realtime_refusals_total",
    help: "Joins, sockets and origins that were refused",
    labels: ["what"],
  });
  const lag = metrics.histogram({
    name: "realtime_lag_seconds",
    help: "From the commit of an event until it is handed to sockets",
    buckets: BUCKETS,
  }).bind({});
  metrics.onScrape(() => {
    const now = present();
    sockets.set({}, now.sockets);
    channels.set({}, now.channels);
  });
  return {
    sent: (event) => messages.add({ event }),
    refused: (what) => refusals.add({ what }),
    lag: (seconds) => lag.observe(Math.max(0, seconds)),
  };
}
