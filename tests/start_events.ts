import {
  startProcess,
  type TestProcess,
  type TestRedis,
} from "@mainstay/adapters/testing";
import { taskCommand } from "./task_command.ts";

/** A real process of the events service. */
export interface EventsProcess extends TestProcess {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
}

/** What `deno` is given by the service's task: permissions and all. */
export function eventsCommand(): readonly string[] {
  return taskCommand("service:events");
}

/** One whose handlers do as each event asks. */
export const tasksCommand: readonly string[] = [
  ...["run", "-A", "tests/programs/tasks_service.ts"],
];

/** The environment of a service that listens on free ports and keeps its events in `redis`. */
export function eventsEnvironment(
  redis: Pick<TestRedis, "host" | "port">,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    SERVICE_NAME: "events-test",
    SERVICE_PORT: "0",
    ADMIN_PORT: "0",
    TEST_EVENT_SCHEDULE: "off",
    DRAIN_DELAY: "0",
    ...env,
  };
}

/** Runs the service to its end, which its environment brings about. */
export async function runToEnd(
  env: Readonly<Record<string, string>>,
  command?: readonly string[],
): Promise<
  { readonly code: number; readonly stdout: string; readonly stderr: string }
> {
  await using process = await startProcess(
    command ?? eventsCommand(),
    { env },
  );
  const code = await process.exited;
  return {
    code,
    stdout: await process.stdout(),
    stderr: await process.stderr(),
  };
}

/** Starts the service and waits until it is ready. */
export async function startEvents(
  redis: Pick<TestRedis, "host" | "port">,
  env: Readonly<Record<string, string>> = {},
  command?: readonly string[],
): Promise<EventsProcess> {
  const process = await startProcess(command ?? eventsCommand(), {
    env: eventsEnvironment(redis, env),
  });
  try {
    const [, url = ""] = await process.waitForOutput(
      /Listening.*"url":"(https?:[^"]+)"/,
    );
    await process.waitForReady(`${url}/health/ready`);
    return { ...process, url, port: Number(new URL(url).port) };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
