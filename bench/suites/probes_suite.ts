import { startRedis } from "@mainstay/adapters/testing";
import { serveEvents, serveProgram } from "../http_servers.ts";
import type { Contender, Suite } from "../measurement.ts";

const load = { path: "/health", connections: 64, seconds: 3 };

/** Health probes: answered from what the background checks last found. */
export const probesSuite: Suite = {
  name: "probes",
  question:
    "How many `GET /health` a second does the events service answer to 64 kept-alive connections? (Its checks run beside it; the others answer a fixed text.)",
  unit: "requests",
  async open(stack): Promise<Contender[]> {
    const redis = stack.use(await startRedis());
    const bare = await serveProgram(stack, "bare_serve");
    const hono = await serveProgram(stack, "empty_hono");
    const mainstay = await serveEvents(stack, redis);
    return [
      bare("bare Deno.serve", load),
      hono("empty Hono", load),
      mainstay("mainstay", load),
    ];
  },
  targets: [],
};
