import { jsonResponse, schemaJson } from "@mainstay/adapters/http";
import { detailedHealth, readiness } from "@mainstay/contracts/events";
import type { CheckSnapshot } from "@mainstay/kernel/health";
import type { Kernel, Route, RouteDoc } from "@mainstay/kernel/lifecycle";
import type { z } from "zod";

/** What the consumer says of itself. */
export interface ConsumerActivity {
  /** Whether it is reading the stream at present. */
  readonly active: boolean;
  /** When it last received an entry, in epoch milliseconds. */
  readonly lastMessageAtMs: number | undefined;
}

/** What the routes show besides the kernel's health. */
export interface HealthRoutesOptions {
  /** Names of the checks that `/health` calls `redis` and `eventStream`. */
  readonly checks: { readonly redis: string; readonly eventStream: string };
  readonly activity: () => ConsumerActivity;
  readonly nowMs: () => number;
  readonly startedAtMs: number;
}

type Health = z.infer<typeof detailedHealth>;

/**
 * The service's own health endpoints. All serve what the background checks
 * last found: no number of probes costs a call to Redis.
 */
export function healthRoutes(
  { health, identity }: Pick<Kernel, "health" | "identity">,
  { checks, activity, nowMs, startedAtMs }: HealthRoutesOptions,
): readonly Route[] {
  const timestamp = () => new Date(nowMs()).toISOString();
  const ready = () => {
    const snapshot = health.snapshot({ group: "ready" });
    return {
      isReady: !snapshot.draining &&
        (snapshot.status === "healthy" || snapshot.status === "degraded"),
      snapshot,
    };
  };
  const detailed = (): Health => {
    const snapshot = health.snapshot();
    const find = (name: string) =>
      snapshot.checks.find((check) => check.name === name);
    const redis = find(checks.redis);
    const { active, lastMessageAtMs } = activity();
    return {
      status: snapshot.status === "starting" ? "unhealthy" : snapshot.status,
      timestamp: timestamp(),
      service: {
        name: identity.name,
        version: identity.version,
        uptime: (nowMs() - startedAtMs) / 1_000,
      },
      checks: {
        redis: {
          status: redis?.status ?? "starting",
          latency: rounded(redis?.durationMs),
          lastCheck: isoOrNull(redis?.checkedAtMs),
        },
        eventStream: {
          status: find(checks.eventStream)?.status ?? "starting",
          consumerActive: active,
          lastMessage: isoOrNull(lastMessageAtMs),
        },
      },
    };
  };
  return [
    probe("/health/live", "Whether the process runs", () => plain("OK")),
    {
      ...probe("/health/ready", "Whether the service takes traffic", () => {
        const { isReady, snapshot } = ready();
        if (isReady) {
          return jsonResponse({ status: "ready", timestamp: timestamp() });
        }
        const body = {
          status: "not_ready",
          reason: reasonOf(snapshot.checks, snapshot.draining),
          timestamp: timestamp(),
        };
        return jsonResponse(body, { status: 503 });
      }),
      doc: jsonDoc("Whether the service takes traffic", readiness),
    },
    {
      ...probe("/health", "Health in detail", () => {
        const body = detailed();
        const status = body.status === "unhealthy" ? 503 : 200;
        return jsonResponse(body, { status });
      }),
      doc: jsonDoc("Health in detail", detailedHealth),
    },
    probe(
      "/health-check",
      "Whether the service takes traffic, in two words",
      () => ready().isReady ? plain("ok") : plain("not ok", 503),
    ),
  ];
}

/** Names alone: what a check found wrong is for the admin server. */
function reasonOf(checks: readonly CheckSnapshot[], draining: boolean): string {
  if (draining) return "draining";
  const failing = checks
    .filter(({ status }) => status !== "healthy" && status !== "degraded")
    .map(({ name }) => name);
  return failing.length === 0 ? "starting" : failing.join(", ");
}

function probe(
  path: string,
  summary: string,
  answer: () => Response,
): Route {
  return {
    method: "GET",
    path,
    probe: true,
    handle: answer,
    doc: {
      summary,
      tags: ["health"],
      responses: {
        200: { description: "Yes", content: TEXT },
        503: { description: "No", content: TEXT },
      },
    },
  };
}

const TEXT = { "text/plain": { type: "string" } } as const;

function jsonDoc(
  summary: string,
  schema: z.ZodType,
): RouteDoc {
  const content = { "application/json": schemaJson(schema) };
  return {
    summary,
    tags: ["health"],
    responses: {
      200: { description: "Yes", content },
      503: { description: "No", content },
    },
  };
}

function plain(text: string, status = 200): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    },
  });
}

function isoOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : new Date(epochMs).toISOString();
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1_000) / 1_000;
}
