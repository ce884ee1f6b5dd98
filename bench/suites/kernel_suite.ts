import { serveProgram } from "../http_servers.ts";
import type { Contender, Suite } from "../measurement.ts";

const load = { path: "/hello", connections: 8, seconds: 2 };
const BARE = "bare Deno.serve";
const KERNEL = "kernel";

/** What the kernel costs a request, whatever the request does. */
export const kernelSuite: Suite = {
  name: "kernel",
  question:
    "What do correlation, log level check, metrics and in-flight tracking cost a request? (The floor reads the URL and one header and sets one; every row answers `hello` by a promise to 8 connections.)",
  unit: "requests",
  async open(stack): Promise<Contender[]> {
    const served = async (name: string, mode: string) =>
      (await serveProgram(stack, "serve_kernel", mode))(name, load);
    return [
      await served(BARE, "bare"),
      await served("floor", "floor"),
      await served(KERNEL, "kernel"),
      await served("kernel, security headers", "secured"),
    ];
  },
  targets: [
    { of: KERNEL, against: BARE, figure: "cpuMicros", atMost: 4 },
  ],
};
