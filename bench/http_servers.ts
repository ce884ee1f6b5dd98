import {
  freePort,
  startProcess,
  type TestRedis,
} from "@mainstay/adapters/testing";
import { findTool } from "@mainstay/tools/local_stack";
import { eventsCommand } from "../tests/start_events.ts";
import { benchProgram, servedBy, startProgram } from "./child_program.ts";
import type { Contender } from "./measurement.ts";
import { type HttpLoad, runWrk } from "./wrk.ts";

type Load = Omit<HttpLoad, "url"> & { readonly path: string };

/** A server under a load from wrk, measured as a contender. */
export type MeasureServer = (
  name: string,
  load: Load,
) => Contender;

/** The process that listens there, under loads that are told later. */
export async function measure(
  pid: number,
  port: number,
): Promise<MeasureServer> {
  const wrk = await findTool("wrk");
  if (wrk === undefined) throw new Error("Cannot measure: no wrk");
  return (name, { path, ...load }) =>
    servedBy(
      name,
      [pid],
      () => runWrk(wrk, { ...load, url: `http://127.0.0.1:${port}${path}` }),
    );
}

/** The events service as its task runs it; access lines off, so that the terminal is not measured. */
export async function serveEvents(
  stack: AsyncDisposableStack,
  redis: TestRedis,
  env: Readonly<Record<string, string>> = {},
): Promise<MeasureServer> {
  const port = freePort();
  const process = stack.use(
    await startProcess(eventsCommand(), {
      env: {
        SERVICE_NAME: "bench",
        REDIS_HOST: redis.host,
        REDIS_PORT: String(redis.port),
        SERVICE_PORT: String(port),
        ADMIN_PORT: String(freePort()),
        TEST_EVENT_SCHEDULE: "off",
        LOG_LEVEL: "WARN",
        MAX_BACKLOG: "1000000000",
        RATE_LIMIT: "1000000000",
        DRAIN_DELAY: "0",
        ...env,
      },
    }),
  );
  await process.waitForReady(`http://127.0.0.1:${port}/ready`);
  return await measure(process.pid, port);
}

/** One of `bench/programs` that listens on the port it is given, before other arguments. */
export async function serveProgram(
  stack: AsyncDisposableStack,
  program: string,
  ...args: readonly string[]
): Promise<MeasureServer> {
  const port = freePort();
  const { pid } = stack.use(
    await startProgram(benchProgram(program, String(port), ...args)),
  );
  return await measure(pid, port);
}

/** A peer that listens on the port it is given, with this Redis. */
export async function servePeer(
  stack: AsyncDisposableStack,
  peers: string,
  file: string,
  redis: TestRedis,
): Promise<MeasureServer> {
  const port = freePort();
  const { pid } = stack.use(
    await startProgram({
      command: "node",
      args: [`${peers}/${file}`, String(port), String(redis.port)],
    }),
  );
  return await measure(pid, port);
}
