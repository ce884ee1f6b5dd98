import { token } from "../container/token.ts";
import type { HealthRegistry } from "../health/health_registry.ts";
import type { Logger } from "../logging/logger.ts";
import type { Logging } from "../logging/logging.ts";
import type { EventLoopLag } from "../metrics/event_loop_lag.ts";
import type { Metrics } from "../metrics/metrics.ts";

/** The service's logger. */
export const logger = token<Logger>("logger");
/** The log itself: its level can be changed while it runs. */
export const logging = token<Logging>("logging");
/** The service's metrics. */
export const metrics = token<Metrics>("metrics");
/** The service's health registry. */
export const health = token<HealthRegistry>("health");
/** The service's configuration; a module that wants its own type takes it as an argument. */
export const config = token<Readonly<Record<string, unknown>>>("config");
/** The measurement of the event loop's lag, which runs with the service. */
export const eventLoopLag = token<EventLoopLag>("eventLoopLag");
