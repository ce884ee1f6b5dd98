import { ok, rejects, strictEqual } from "node:assert/strict";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { debugRoutes } from "./debug_routes.ts";

function ask(path: string): Promise<Response> {
  const url = new URL(`http://localhost${path}`);
  const route = debugRoutes().find((route) => route.path === url.pathname)!;
  const { signal } = new AbortController();
  const context = { url, signal } as Partial<RequestContext> as RequestContext;
  return Promise.resolve(route.handle(new Request(url), context));
}

Deno.test("the CPU profile is one that developer tools read", async () => {
  const profile = await (await ask("/debug/cpu-profile?seconds=1")).json();
  ok(profile.nodes.length > 0);
  ok(profile.endTime - profile.startTime > 900_000);
});

Deno.test("the CPU profile refuses other times", async () => {
  for (const seconds of ["0", "61", "1.5", "x", ""]) {
    await rejects(ask(`/debug/cpu-profile?seconds=${seconds}`), {
      code: "invalid-input",
    });
  }
});

Deno.test("the heap snapshot is one that developer tools read", async () => {
  const response = await ask("/debug/heap-snapshot");
  strictEqual(response.headers.get("content-type"), "application/json");
  const { snapshot, nodes } = await response.json();
  strictEqual(
    nodes.length,
    snapshot.node_count * snapshot.meta.node_fields.length,
  );
});
