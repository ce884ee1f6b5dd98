import {
  checkResponse,
  type ProbeOptions,
  probeResponse,
} from "../health/probe.ts";
import { type Clock, systemClock } from "./clock.ts";
import { logLevelRoutes } from "./log_level_routes.ts";
import type { Route } from "./route.ts";
import type { ServedService } from "./service.ts";
import { logging } from "./tokens.ts";

/** Who reads the operations routes. */
export interface OperationsRoutesOptions {
  /**
   * `public`: probes with names and statuses, and `/metrics`. `private`: probes
   * with errors, latencies and details, `/metrics`, `/info`, `/loglevel` and
   * `POST /shutdown`, for a listener that only operators reach.
   */
  readonly audience: "public" | "private";
  readonly clock?: Clock;
}

const PROBES: ReadonlyArray<
  readonly [path: string, group: ProbeOptions["group"], question: string]
> = [
  ["livez", "live", "Whether the process should go on living"],
  ["healthz", "live", "The same as /livez"],
  ["readyz", "ready", "Whether the service can take requests"],
  ["ready", "ready", "The same as /readyz"],
  ["startupz", "startup", "Whether the service has started"],
];

/**
 * What operators and orchestrators ask of a service, as plain routes.
 *
 * Probes are exempt from rate limits and read the last results: no probe calls
 * a dependency.
 *
 * @example What the public sees of them
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import {
 *   createKernel,
 *   operationsRoutes,
 *   run,
 *   type ServedService,
 * } from "@mainstay/kernel/lifecycle";
 *
 * const paths: string[] = [];
 * const listener = (service: ServedService) => ({
 *   name: "public",
 *   start() {
 *     const routes = operationsRoutes(service, { audience: "public" });
 *     paths.push(...routes.map(({ path }) => path));
 *     service.shutdown("seen enough");
 *   },
 * });
 * await run([{
 *   kernel: createKernel({
 *     identity: { name: "demo", version: "1.0.0", environment: "test" },
 *     logging: { level: "INFO", format: "text", write: () => {} },
 *   }),
 *   modules: [],
 *   listeners: { public: listener },
 *   shutdown: { drainDelayMs: 0, shutdownTimeoutMs: 1000 },
 * }]);
 *
 * assertEquals(paths, [
 *   "/livez",
 *   "/healthz",
 *   "/readyz",
 *   "/ready",
 *   "/startupz",
 *   "/readyz/:name",
 *   "/metrics",
 * ]);
 * ```
 */
export function operationsRoutes(
  service: ServedService,
  { audience, clock = systemClock }: OperationsRoutesOptions,
): readonly Route[] {
  const { kernel: { health, metrics, container } } = service;
  const probes = PROBES.map(([name, group, question]): Route => ({
    method: "GET",
    path: `/${name}`,
    probe: true,
    handle: (request) =>
      probeResponse(health, request, { group, name, audience }),
    doc: probeDoc(question),
  }));
  const oneCheck: Route = {
    method: "GET",
    path: "/readyz/:name",
    probe: true,
    handle: (_request, { params }) =>
      checkResponse(health, params.name ?? "", {
        group: "ready",
        name: "readyz",
        audience,
      }),
    doc: probeDoc("Whether one check of /readyz is well"),
  };
  const figures: Route = {
    method: "GET",
    path: "/metrics",
    probe: true,
    async handle(request) {
      const { body, contentType } = await metrics.expose(
        request.headers.get("accept"),
      );
      return new Response(body, {
        headers: { "content-type": contentType, "cache-control": "no-store" },
      });
    },
    doc: {
      summary: "Metrics in the format of Prometheus or OpenMetrics",
      tags: ["operations"],
      responses: {
        200: { description: "The metrics", content: { "text/plain": {} } },
      },
    },
  };
  const open = [...probes, oneCheck, figures];
  if (audience === "public") return open;
  return [
    ...open,
    infoRoute(service, clock),
    shutdownRoute(service),
    ...(container.has(logging) ? logLevelRoutes(container.get(logging)) : []),
  ];
}

function probeDoc(summary: string): NonNullable<Route["doc"]> {
  const content = { "text/plain": { type: "string" } };
  return {
    summary,
    tags: ["operations"],
    responses: {
      200: { description: "Yes", content },
      503: { description: "No", content },
    },
  };
}

function infoRoute(service: ServedService, clock: Clock): Route {
  const { kernel, modules, startedAtMs } = service;
  return {
    method: "GET",
    path: "/info",
    handle: () =>
      json(200, {
        service: kernel.identity,
        startedAt: new Date(startedAtMs).toISOString(),
        uptimeSeconds: Math.max(0, (clock.now() - startedAtMs) / 1000),
        pid: Deno.pid,
        runtime: { ...Deno.version, target: Deno.build.target },
        modules,
      }),
  };
}

function shutdownRoute(service: ServedService): Route {
  return {
    method: "POST",
    path: "/shutdown",
    handle() {
      service.shutdown("POST /shutdown");
      return json(202, {
        status: "shutting down",
        service: service.kernel.identity.name,
      });
    },
  };
}

function json(status: number, body: unknown): Response {
  return Response.json(body, {
    status,
    headers: { "cache-control": "no-store" },
  });
}
