import { startRedis } from "@mainstay/adapters/testing";
import { benchProgram, selfMeasured, startProgram } from "../child_program.ts";
import type { Contender, Suite } from "../measurement.ts";
import { installPeers } from "../node_peers.ts";

/** Consuming: parsed, handled by an async function, acknowledged. */
export const consumeSuite: Suite = {
  name: "consume",
  question:
    "How many events a second does one process read, parse, hand to an async handler and acknowledge? (100,000 waiting, BullMQ 20,000; 256 at once.)",
  unit: "events",
  async open(stack) {
    const redis = stack.use(await startRedis());
    const own = async (name: string, program: string) =>
      selfMeasured(
        name,
        stack.use(
          await startProgram(benchProgram(program, String(redis.port))),
        ),
      );
    const contenders: Contender[] = [
      await own("bare read, parse, ack", "consume_bare"),
      await own("mainstay", "consume_mainstay"),
    ];
    const peers = await installPeers();
    if (peers !== undefined) {
      const program = await startProgram({
        command: "node",
        args: [`${peers}/consume_bullmq.js`, String(redis.port)],
      });
      contenders.push(selfMeasured("BullMQ worker", stack.use(program)));
    }
    return contenders;
  },
  targets: [
    {
      of: "mainstay",
      against: "bare read, parse, ack",
      figure: "rate",
      atLeast: 0.8,
    },
    { of: "mainstay", against: "BullMQ worker", figure: "rate", atLeast: 10 },
  ],
};
