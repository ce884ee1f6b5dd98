import { errorsTotal, type Metrics } from "@mainstay/kernel/metrics";

/** In seconds: from a cached answer to a request that is about to time out. */
const BUCKETS = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30],
];

/** Counts the answers of one method on one pattern. */
export interface RouteMeter {
  record(status: number, seconds: number): void;
}

/** The HTTP metrics of one service. */
export interface RequestMetrics {
  /** @param path The pattern, never the raw path: that would be a series per path. */
  meter(method: string, path: string): RouteMeter;
  /** Counts a failure under `errors_total`. */
  countError(type: string): void;
  /** Takes this listener's gauge away. */
  close(): void;
}

/**
 * Creates `http_request_duration_seconds`, `http_requests_total`,
 * `http_requests_in_flight` and `errors_total`.
 *
 * The duration of an event stream ends with its headers.
 *
 * @param inFlight Asked at each scrape.
 */
export function createRequestMetrics(
  metrics: Metrics,
  listener: string,
  inFlight: () => number,
): RequestMetrics {
  const labels = ["method", "path", "status_code"] as const;
  const durations = metrics.histogram({
    name: "http_request_duration_seconds",
    help: "Time from a request's arrival to the headers of its answer",
    labels,
    buckets: BUCKETS,
  });
  const requests = metrics.counter({
    name: "http_requests_total",
    help: "Requests answered",
    labels,
  });
  const errors = errorsTotal(metrics);
  const gauge = metrics.gauge({
    name: "http_requests_in_flight",
    help: "Requests whose answer has not begun",
    labels: ["listener"],
  });
  const forget = metrics.onScrape(() => gauge.set({ listener }, inFlight()));
  return {
    meter(method, path) {
      const series: Array<{ record(seconds: number): void } | undefined> = [];
      const bind = (status: number) => {
        const own = { method, path, status_code: String(status) };
        const duration = durations.bind(own);
        const request = requests.bind(own);
        return {
          record(seconds: number) {
            duration.observe(seconds);
            request.add();
          },
        };
      };
      return {
        record(status, seconds) {
          (series[status] ??= bind(status)).record(seconds);
        },
      };
    },
    countError: (type) => errors.add({ type }),
    close() {
      forget();
      gauge.remove({ listener });
    },
  };
}
