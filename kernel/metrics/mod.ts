/**
 * One service's metrics, bounded in number, in the formats of Prometheus.
 *
 * @module
 */
export {
  createMetrics,
  errorsTotal,
  type MetricsSettings,
} from "./create_metrics.ts";
export { createEventLoopLag, type EventLoopLag } from "./event_loop_lag.ts";
export * from "./metrics.ts";
