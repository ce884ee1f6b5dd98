import {
  type Kernel,
  type Part,
  type Route,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { LiveFeed } from "../../domain/live_log.ts";
import type { Tenants } from "../../domain/tenant_store.ts";
import type { ProjectToRead } from "../project_access.ts";
import { createLiveHub } from "./live_hub.ts";
import { createRealtimeEcho } from "./realtime_echo.ts";
import { createRealtimeLink, realtimeUrl } from "./realtime_link.ts";
import { createRealtimeMetrics } from "./realtime_metrics.ts";
import { createRealtimeServer, realtimeRoute } from "./realtime_server.ts";

/** What live logs are configured with. */
export interface RealtimeConfig {
  readonly realtimeMaxSockets: number;
  readonly realtimeMaxChannels: number;
  readonly realtimeJoinRate: number;
  readonly realtimeMaxMessageBytes: number;
  readonly realtimeIdleTimeoutMs: number;
  readonly corsOrigins?: readonly string[] | undefined;
  readonly supabaseUrl?: string | undefined;
  readonly supabaseKey?: string | undefined;
}

/** Live logs, assembled. */
export interface Realtime {
  readonly route: Route;
  /** Started once the service listens, in order. */
  readonly background: readonly Part[];
  /** Resolves if what is written is told to sockets. */
  readonly liveLogs: (signal: AbortSignal) => Promise<void>;
  /** The same of the Realtime that is configured; undefined if none is. */
  readonly supabase: (() => Promise<void>) | undefined;
}

/** Puts the embedded Realtime together. */
export function openRealtime(
  { log: kernelLog, metrics: kernelMetrics }: Pick<Kernel, "log" | "metrics">,
  config: RealtimeConfig,
  { tenants, feed, projectToRead }: {
    readonly tenants: Tenants;
    readonly feed: LiveFeed;
    readonly projectToRead: ProjectToRead;
  },
): Realtime {
  const clock = systemClock;
  const log = kernelLog.child("realtime");
  const echo = createRealtimeEcho({ feed, projectToRead, clock, log });
  const metrics = createRealtimeMetrics(kernelMetrics, () => server);
  const hub = createLiveHub({
    feed,
    readerOf: tenants.of,
    onRead(rows) {
      const last = rows.at(-1);
      if (last !== undefined) {
        metrics.lag((clock.now() - last.at.getTime()) / 1_000);
      }
    },
    clock,
    log,
  });
  const server = createRealtimeServer({
    hub,
    projectToRead: echo.projectToRead,
    readerOf: tenants.of,
    maxSockets: config.realtimeMaxSockets,
    maxChannels: config.realtimeMaxChannels,
    joinRate: config.realtimeJoinRate,
    maxMessageBytes: config.realtimeMaxMessageBytes,
    idleTimeoutMs: config.realtimeIdleTimeoutMs,
    origins: config.corsOrigins ?? [],
    metrics,
    clock,
    log,
  });
  const { supabaseUrl, supabaseKey } = config;
  const supabase = supabaseUrl === undefined ? undefined : createRealtimeLink({
    name: "supabase-link",
    url: () => realtimeUrl(supabaseUrl, supabaseKey ?? ""),
    clock,
    log: kernelLog.child("supabase"),
  });
  return {
    route: realtimeRoute(server),
    background: [
      hub,
      server,
      ...echo.parts(server),
      ...(supabase === undefined ? [] : [supabase]),
    ],
    liveLogs: echo.check,
    // Asynchronous, so that what it throws is a rejection.
    supabase: supabase && (async () => await supabase.requireAlive()),
  };
}
