import { jsonResponse } from "@mainstay/adapters/http";
import type { Kernel, Route } from "@mainstay/kernel/lifecycle";

/**
 * The health body that the runbook fixes: `{"status":"ok","service":"authz"}`,
 * or 503 with the status while the service cannot do its work.
 */
export function serviceHealthRoute(
  { health }: Pick<Kernel, "health">,
  { path, ...service }: { readonly path: string; readonly service?: string },
): Route {
  return {
    method: "GET",
    path,
    probe: true,
    handle() {
      const { status, draining } = health.snapshot({ group: "ready" });
      const ok = !draining && (status === "healthy" || status === "degraded");
      return jsonResponse(
        { status: ok ? "ok" : draining ? "draining" : status, ...service },
        ok ? {} : { status: 503 },
      );
    },
    doc: {
      summary: "Whether the service does its work",
      tags: ["health"],
      responses: {
        200: { description: "It does" },
        503: { description: "It does not at present" },
      },
    },
  };
}
