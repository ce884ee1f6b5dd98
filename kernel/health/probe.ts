import { effectiveStatus } from "./health_aggregate.ts";
import type {
  CheckSnapshot,
  HealthSnapshot,
  HealthStatus,
} from "./health_check.ts";
import { healthDocument } from "./health_document.ts";
import type { HealthRegistry } from "./health_registry.ts";

/** Which question a probe answers, and to whom. */
export interface ProbeOptions {
  readonly group: "live" | "ready" | "startup";
  /** As the summary line says it: `readyz`. */
  readonly name: string;
  /**
   * `private` shows errors, latencies and details: for the admin server only.
   * `public` shows names and statuses.
   */
  readonly audience: "public" | "private";
}

/**
 * Answers a probe from the last results, in the manner of kube-apiserver.
 *
 * 200 `ok`, or 503 with the list of checks. `?verbose` lists them in any case;
 * `?exclude=a&exclude=b` leaves checks out, and warns of names that are none.
 * `[+]` marks what does not fail the probe, `[-]` what does. A client that
 * accepts `application/health+json` or `application/json` gets that instead.
 *
 * Liveness fails only on `unhealthy`; readiness and startup fail on `starting`
 * too.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { probeResponse } from "@mainstay/kernel/health";
 * import { createKernel } from "@mainstay/kernel/lifecycle";
 *
 * const { health } = createKernel({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   logging: { level: "INFO", format: "text", write: () => {} },
 * });
 * const request = new Request("http://localhost/readyz");
 * const readyz = () =>
 *   probeResponse(health, request, {
 *     group: "ready",
 *     name: "readyz",
 *     audience: "public",
 *   });
 *
 * assertEquals(await readyz().text(), "readyz check failed: starting\n");
 * health.setStarted();
 * assertEquals(await readyz().text(), "ok");
 * ```
 */
export function probeResponse(
  health: HealthRegistry,
  request: Request,
  options: ProbeOptions,
): Response {
  const { searchParams } = new URL(request.url);
  const { group } = options;
  const exclude = searchParams.getAll("exclude");
  const snapshot = health.snapshot({ group, exclude });
  const status = passes(group, snapshot.status) ? 200 : 503;
  const type = jsonTypeOf(request);
  if (type !== undefined) {
    const shown = options.audience === "private";
    const document = healthDocument(snapshot, status === 200, shown);
    return respond(status, JSON.stringify(document), type);
  }
  const all = health.snapshot({ group }).checks;
  const warning = warnOfUnknown(exclude, all);
  const body = status === 200 && !searchParams.has("verbose")
    ? `ok${warning && `\n${warning}`}`
    : list(all, snapshot, options) + warning;
  return respond(status, body);
}

/**
 * Answers for one check of a group: its own status decides, whether or not it
 * is critical; 404 when the group has no such check.
 */
export function checkResponse(
  health: HealthRegistry,
  name: string,
  { group, audience }: ProbeOptions,
): Response {
  const check = health.snapshot({ group }).checks.find((check) =>
    check.name === name
  );
  if (check === undefined) return respond(404, "unknown check\n");
  const { status } = check;
  const well = status === "healthy" || status === "degraded";
  const body = `${WORDS[status]}${audience === "private" ? aside(check) : ""}`;
  return respond(well ? 200 : 503, body);
}

/** Whether a group with this status answers 200. */
export function passes(
  group: ProbeOptions["group"],
  status: HealthStatus,
): boolean {
  return status !== "unhealthy" && (status !== "starting" || group === "live");
}

const WORDS: Readonly<Record<HealthStatus, string>> = {
  healthy: "ok",
  degraded: "degraded",
  unhealthy: "failed",
  starting: "starting",
};

function list(
  all: readonly CheckSnapshot[],
  { status, draining, checks }: HealthSnapshot,
  { group, name, audience }: ProbeOptions,
): string {
  const included = new Set(checks.map(({ name }) => name));
  const lines = all.map((check) => {
    if (!included.has(check.name)) return `[+]${check.name} excluded`;
    const mark = passes(group, effectiveStatus(check)) ? "+" : "-";
    const about = audience === "private" ? aside(check) : "";
    return `[${mark}]${check.name} ${WORDS[check.status]}${
      lenience(check)
    }${about}`;
  });
  return [...lines, `${name} check ${verdict()}\n`].join("\n");

  function verdict(): string {
    if (passes(group, status)) return "passed";
    if (draining && group === "ready") return "failed: draining";
    return status === "starting" ? "failed: starting" : "failed";
  }
}

/** Why a failed check does not fail the probe. */
function lenience(check: CheckSnapshot): string {
  if (check.status !== "unhealthy") return "";
  return check.critical
    ? check.scope === "shared" ? " (shared)" : ""
    : " (not critical)";
}

function aside({ error, durationMs }: CheckSnapshot): string {
  const latency = durationMs === undefined
    ? ""
    : ` (${Math.round(durationMs * 10) / 10} ms)`;
  return `${latency}${error === undefined ? "" : `: ${error}`}`;
}

function warnOfUnknown(
  exclude: readonly string[],
  all: readonly CheckSnapshot[],
): string {
  const known = new Set(all.map(({ name }) => name));
  const unknown = exclude.filter((name) => !known.has(name));
  if (unknown.length === 0) return "";
  // The names come from the request: cut, quoted, one line.
  const shown = unknown.slice(0, 10).map((name) =>
    JSON.stringify(name.slice(0, 64).replace(/[^\x20-\x7e]/g, "?"))
  );
  const more = unknown.length > 10 ? ` and ${unknown.length - 10} more` : "";
  return `warn: some health checks cannot be excluded: no matches for ${
    shown.join(", ")
  }${more}\n`;
}

const JSON_TYPES = ["application/health+json", "application/json"] as const;

function jsonTypeOf(request: Request): string | undefined {
  const accept = request.headers.get("accept")?.toLowerCase() ?? "";
  const wanted = accept.split(",").map((range) => range.split(";")[0]?.trim());
  return JSON_TYPES.find((type) => wanted.includes(type));
}

function respond(
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): Response {
  return new Response(body, {
    status,
    headers: {
      "cache-control": "no-store",
      "content-type": type,
      "vary": "accept",
      "x-content-type-options": "nosniff",
    },
  });
}
