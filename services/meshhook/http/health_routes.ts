import { schemaJson } from "@mainstay/adapters/http";
import {
  type MeshhookHealth,
  meshhookHealth,
} from "@mainstay/contracts/meshhook_health";
import {
  type HealthSnapshot,
  type HealthStatus,
  probeResponse,
} from "@mainstay/kernel/health";
import type { Kernel, Route } from "@mainstay/kernel/lifecycle";
import { checkName, HEALTH_PARTS } from "../domain/health_part.ts";
import { HEALTH_GROUP } from "./health_checks.ts";

/** An answer that is ready to be sent. */
interface BuiltAnswer {
  readonly statuses: string;
  readonly status: 200 | 500;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * `GET /health`, and the two probes beside it. All tell what the background
 * checks last found: a request asks nothing of anybody, and its answer's bytes
 * are those of the one before, unless a status has changed or grown too old.
 */
export function healthRoutes(
  { health, identity }: Pick<Kernel, "health" | "identity">,
): readonly Route[] {
  let built: BuiltAnswer | undefined;

  function answer(): BuiltAnswer {
    const snapshot = health.snapshot({ group: HEALTH_GROUP });
    const statuses = snapshot.checks.map(({ status }) => status).join();
    if (built?.statuses === statuses) return built;
    const body = healthBody(snapshot, identity.version);
    return built = {
      statuses,
      status: body.status === "unhealthy" ? 500 : 200,
      bytes: new TextEncoder().encode(JSON.stringify(body)),
    };
  }

  const content = { "application/json": schemaJson(meshhookHealth) };
  return [
    {
      method: "GET",
      path: "/health",
      probe: true,
      handle() {
        const { status, bytes } = answer();
        return new Response(bytes, {
          status,
          headers: {
            "content-type": "application/json",
            "cache-control": "no-store",
          },
        });
      },
      doc: {
        summary: "How MeshHook and each of its parts is",
        description:
          "Needs no authentication. Tells what was last seen, at most 3 s ago.",
        tags: ["health"],
        responses: {
          200: { description: "Every critical part works", content },
          500: { description: "A critical part is unhealthy", content },
        },
      },
    },
    probe("/health/live", "Whether the process should go on living", "live"),
    probe("/health/ready", "Whether it can take requests", "ready"),
  ];

  function probe(
    path: string,
    summary: string,
    group: "live" | "ready",
  ): Route {
    const text = { "text/plain": { type: "string" } };
    return {
      method: "GET",
      path,
      probe: true,
      handle: (request) =>
        probeResponse(health, request, {
          group,
          name: group,
          audience: "public",
        }),
      doc: {
        summary,
        tags: ["health"],
        responses: {
          200: { description: "Yes", content: text },
          503: { description: "No", content: text },
        },
      },
    };
  }
}

/** What is not known yet is not well. */
function healthBody(
  { status, checks }: HealthSnapshot,
  version: string,
): MeshhookHealth {
  const statusOf = (name: string) =>
    word(checks.find((check) => check.name === name)?.status);
  return {
    status: word(status),
    version,
    details: Object.fromEntries(
      HEALTH_PARTS.map((part) => [part, statusOf(checkName(part))]),
    ) as MeshhookHealth["details"],
  };
}

function word(status: HealthStatus = "starting"): MeshhookHealth["status"] {
  return status === "starting" ? "unhealthy" : status;
}
