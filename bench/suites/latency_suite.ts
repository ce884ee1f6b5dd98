import { startRedis } from "@mainstay/adapters/testing";
import { benchProgram, selfMeasured, startProgram } from "../child_program.ts";
import type { Suite } from "../measurement.ts";

/** From the call that publishes an event to its acknowledgement, in one process. */
export const latencySuite: Suite = {
  name: "latency",
  question:
    "How long from publishing an event to its acknowledgement, at a steady rate far below, at and above half of what one process publishes and consumes? (Acknowledgements are sent in batches, at most 5 ms late.)",
  unit: "events",
  async open(stack) {
    const redis = stack.use(await startRedis());
    return await Promise.all([1_000, 10_000, 20_000].map(async (perSecond) => {
      const program = benchProgram(
        "latency_mainstay",
        String(redis.port),
        String(perSecond),
      );
      return selfMeasured(
        `mainstay, ${perSecond} a second`,
        stack.use(await startProgram(program)),
      );
    }));
  },
  targets: [],
};
