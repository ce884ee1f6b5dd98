import { findTool } from "@mainstay/tools/local_stack";
import { sampleData } from "./programs/sample.ts";
import type { Contender } from "./measurement.ts";

/**
 * `redis-benchmark` adding the same entry: what the server itself can do with 50
 * connections and so many commands in one write.
 */
export async function redisBenchmark(
  name: string,
  port: number,
  pipeline: number,
): Promise<Contender> {
  const tool = await findTool("redis-benchmark", "redis-server");
  if (tool === undefined) throw new Error("Cannot measure: no redis-benchmark");
  return {
    name,
    async round() {
      const { stdout } = await new Deno.Command(tool.path, {
        args: [
          ...["-p", String(port), "-c", "50", "-P", String(pipeline)],
          ...["-n", String(pipeline > 1 ? 600_000 : 200_000), "--csv"],
          ...["XADD", "redis-benchmark", "MAXLEN", "~", "100000", "*"],
          ...["event", "order.created", "aggregateId", "order-1"],
          ...["data", JSON.stringify(sampleData()), "headers", "{}"],
          ...["timestamp", "2025-06-28T23:40:13.653Z"],
        ],
        env: tool.env,
        stderr: "null",
      }).output();
      // "test","rps","avg_latency_ms",…,"p50","p95","p99","max": the command has commas, so from the end.
      const figures = new TextDecoder().decode(stdout).trim().split("\n")
        .at(-1)?.match(/"[\d.]+"/g)?.slice(-7).map((text) =>
          Number(text.slice(1, -1))
        ) ?? [];
      const [rate = NaN, , , p50Ms = NaN, , p99Ms = NaN] = figures;
      return { rate, p50Ms, p99Ms };
    },
  };
}
