/** A Redis or Valkey server program that runs here. */
export interface RedisBinary {
  readonly path: string;
  /** What its environment needs: the path of its libraries. */
  readonly env: Readonly<Record<string, string>>;
  readonly product: "redis" | "valkey";
  readonly version: string;
}

/** Streams with every command that the event service builds on. */
export const OLDEST_MAJOR = 7;

/** Whether the version suffices. */
export function isRecent({ version }: { readonly version: string }): boolean {
  return Number(version.split(".")[0]) >= OLDEST_MAJOR;
}

/** What the program at `path` says it is; undefined if it cannot run. */
export async function probeRedis(
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<RedisBinary | undefined> {
  try {
    const { stdout } = await new Deno.Command(path, {
      args: ["--version"],
      env: { ...env },
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const version = /v=(\d+\.\d+\.\d+)/.exec(text)?.[1];
    if (version === undefined) return undefined;
    const product = /^valkey/i.test(text) ? "valkey" : "redis";
    return { path, env, product, version };
  } catch {
    return undefined;
  }
}
