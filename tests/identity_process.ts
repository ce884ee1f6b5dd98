import {
  startProcess,
  type TestProcess,
  type TestProcessOptions,
} from "@mainstay/adapters/testing";
import type { IdentityServer } from "@mainstay/identity";
import { taskCommand } from "./task_command.ts";

/** A real process of one of the identity servers. */
export interface IdentityProcess extends TestProcess {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** `https://127.0.0.1:<port>`. */
  readonly adminUrl: string;
}

/** Enough for a server of a test's own on free ports; its database is to be added. */
export const IDENTITY_ENVIRONMENT: Readonly<Record<string, string>> = {
  LOG_FORMAT: "json",
  LOG_LEVEL: "INFO",
  SERVICE_PORT: "0",
  ADMIN_PORT: "0",
  DRAIN_DELAY: "0",
  DATABASE_MAX_OPEN_CONNS: "10",
  KEY_ENCRYPTION_KEYS: new Uint8Array(32).fill(7).toBase64(),
};

/** Begins a server's start with the permissions of its task. */
export function beginIdentity(
  server: IdentityServer,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  options: Omit<TestProcessOptions, "env"> = {},
): Promise<TestProcess> {
  return startProcess([...taskCommand(`service:${server}`), ...args], {
    ...options,
    env: { ...IDENTITY_ENVIRONMENT, ...env },
  });
}

/** Starts a server and waits until it is ready. */
export async function startIdentityProcess(
  server: IdentityServer,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<IdentityProcess> {
  const process = await beginIdentity(server, env, args);
  try {
    const url = await urlOf(process, "Listening");
    const adminUrl = await urlOf(process, "Admin server listening");
    await process.waitForReady(`${url}/readyz`);
    return { ...process, url, adminUrl };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}

async function urlOf(process: TestProcess, message: string): Promise<string> {
  const [, url = ""] = await process.waitForOutput(
    new RegExp(`"message":"${message}","url":"(https?:[^"]+)"`),
  );
  return url;
}
