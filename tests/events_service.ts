import {
  freePort,
  startProcess,
  type TestProcess,
} from "@mainstay/adapters/testing";

/** An events service as production runs it: a process with its task's permissions. */
export interface EventsProcess extends AsyncDisposable {
  readonly process: TestProcess;
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
}

/** The arguments of `deno` in a task of the root `deno.json`. */
export async function taskArguments(task: string): Promise<string[]> {
  const file = new URL("../deno.json", import.meta.url);
  const { tasks } = JSON.parse(await Deno.readTextFile(file)) as {
    tasks: Record<string, string | { command: string }>;
  };
  const entry = tasks[task];
  const command = typeof entry === "string" ? entry : entry?.command ?? "";
  const [program, ...args] = command.split(/\s+/);
  if (program !== "deno") throw new Error(`Cannot run ${task}: no deno task`);
  return args;
}

/**
 * Starts the events service on free ports.
 *
 * @param redis Where its Redis listens.
 * @param env Added to what the service needs at least.
 * @param ready Whether to wait until `/ready` answers 200; default true.
 */
export async function startEvents(
  redis: { readonly host: string; readonly port: number },
  env: Readonly<Record<string, string>> = {},
  ready = true,
): Promise<EventsProcess> {
  const port = Number(env.SERVICE_PORT ?? await freePort());
  const adminPort = Number(env.ADMIN_PORT ?? await freePort());
  const process = await startProcess(await taskArguments("service:events"), {
    env: {
      SERVICE_NAME: "events-under-test",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      TEST_EVENT_SCHEDULE: "off",
      LOG_FORMAT: "json",
      ...env,
      SERVICE_PORT: String(port),
      ADMIN_PORT: String(adminPort),
    },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    if (ready) await process.waitForReady(`${url}/ready`);
  } catch (failure) {
    await process[Symbol.asyncDispose]();
    throw failure;
  }
  return {
    process,
    port,
    url,
    adminUrl: `https://127.0.0.1:${adminPort}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
