import {
  freePort,
  KeepAliveClient,
  type Outcome,
  startProcess,
  startRedis,
} from "@mainstay/adapters/testing";
import { startEvents } from "../../tests/start_events.ts";
import { benchProgram } from "../child_program.ts";
import type { Contender, Measurement, Suite } from "../measurement.ts";

const CLIENTS = 32;
const LOAD_MS = 1_000;
const DRAIN_DELAY_MS = 1_000;

interface Server {
  readonly port: number;
  readonly exited: Promise<number>;
  kill(signal: Deno.Signal): void;
}

/** Loads a server, ends it with SIGTERM, and counts what its clients saw until it was gone. */
async function drain(
  server: Server,
  path: string,
  drainDelayMs: number,
): Promise<Measurement> {
  let running = true;
  const outcomes: Outcome[] = [];
  const startedMs = performance.now();
  const clients = Array.from({ length: CLIENTS }, async () => {
    using client = new KeepAliveClient(server.port);
    while (running) {
      const outcome = await client.request(path);
      outcomes.push(outcome);
      // A balancer would have gone elsewhere.
      if (outcome.kind !== "answered") {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  });
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
  server.kill("SIGTERM");
  const signalledMs = performance.now();
  await server.exited;
  const endedMs = performance.now();
  running = false;
  await Promise.all(clients);
  const count = (kind: Outcome["kind"]) =>
    outcomes.filter((outcome) => outcome.kind === kind).length;
  return {
    rate: count("answered") / (endedMs - startedMs) * 1000,
    p50Ms: endedMs - signalledMs - drainDelayMs,
    lost: count("reset-on-reuse"),
  };
}

/** SIGTERM under load: how soon the process is gone, and what its clients lose. */
export const drainSuite: Suite = {
  name: "drain",
  question:
    `SIGTERM while ${CLIENTS} kept-alive connections ask without pause: how many requests on a reused connection are lost, and how long (p50) from the end of the drain delay (${DRAIN_DELAY_MS} ms; the bare server has none) until the process is gone?`,
  unit: "requests",
  async open(stack): Promise<Contender[]> {
    const redis = stack.use(await startRedis());
    return [
      {
        name: "bare Deno.serve, shutdown()",
        async round() {
          const port = freePort();
          const { args } = benchProgram("plain_drain", String(port));
          await using process = await startProcess(args);
          await process.waitForReady(`http://127.0.0.1:${port}/`);
          return await drain({ ...process, port }, "/", 0);
        },
      },
      {
        name: "mainstay",
        async round() {
          await using service = await startEvents(redis, {
            DRAIN_DELAY: `${DRAIN_DELAY_MS}ms`,
          });
          return await drain(service, "/health", DRAIN_DELAY_MS);
        },
      },
    ];
  },
  targets: [{ of: "mainstay", figure: "lost", atMost: 0 }],
};
