import process from "node:process";
import { stateFolder } from "./state_folder.ts";

interface Publication {
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Tells other commands of this checkout how to reach what runs: `mainstay
 * identity users list` then needs no `DATABASE_URL`. Only this user can read it.
 *
 * Withdrawn by disposal; one that a crash left behind is not believed.
 */
export async function publishEnvironment(
  env: Readonly<Record<string, string>>,
): Promise<AsyncDisposable> {
  const file = await fileName();
  const text = JSON.stringify({ pid: Deno.pid, env } satisfies Publication);
  await Deno.writeTextFile(`${file}.new`, text, { mode: 0o600 });
  await Deno.rename(`${file}.new`, file);
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(file).catch(() => {});
    },
  };
}

/** What a running `mainstay up` of this checkout has published; undefined if none runs. */
export async function readPublishedEnvironment(): Promise<
  Readonly<Record<string, string>> | undefined
> {
  const text = await Deno.readTextFile(await fileName()).catch(() => undefined);
  if (text === undefined) return undefined;
  const { pid, env } = JSON.parse(text) as Publication;
  return isAlive(pid) ? env : undefined;
}

async function fileName(): Promise<string> {
  return `${await stateFolder()}/environment.json`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
