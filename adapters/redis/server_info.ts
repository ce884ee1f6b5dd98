import type { Logger } from "@mainstay/kernel/logging";
import type { RedisLink, RedisServerInfo } from "./redis.ts";
import { RedisReplyError } from "./redis_errors.ts";

/** The server is older than any that this adapter works with. */
export class RedisTooOld extends Error {
  override readonly name = "RedisTooOld";
}

/**
 * Asks a server what it is and how it keeps its data. What it may not be asked
 * (managed servers forbid CONFIG, careful operators INFO) is `unknown`.
 *
 * @throws {RedisTooOld} Older than 6.2.
 */
export async function learnServerInfo(
  link: Pick<RedisLink, "send">,
  key = "",
): Promise<RedisServerInfo> {
  const info = await aboutServer(link, key);
  const valkey = info.get("valkey_version");
  const version = valkey ?? info.get("redis_version") ?? "0.0.0";
  if (!valkey && compareVersions(version, "6.2") < 0) {
    throw new RedisTooOld(
      `the server is Redis ${version}, at least 6.2 is needed`,
    );
  }
  const appendFsync = await configValue(link, key, "appendfsync");
  const appendOnly = info.get("aof_enabled");
  return {
    product: valkey ? "valkey" : "redis",
    version,
    appendOnly: appendOnly === undefined ? "unknown" : appendOnly === "1",
    appendFsync: appendFsync ?? "unknown",
    evictionPolicy: info.get("maxmemory_policy") ??
      await configValue(link, key, "maxmemory-policy") ?? "unknown",
  };
}

/** Says what of a server's settings endangers what is kept in it. */
export function warnOfDangers(server: RedisServerInfo, log: Logger): void {
  const { version, evictionPolicy, appendOnly, appendFsync } = server;
  if (server.product === "redis" && compareVersions(version, "7.0") < 0) {
    log.warn("Redis is older than 7.0; some figures are estimates", {
      version,
    });
  }
  if (evictionPolicy === "unknown") {
    log.warn("Redis does not tell its eviction policy; it must be noeviction");
  } else if (evictionPolicy !== "noeviction") {
    log.warn(
      "Redis may evict data when its memory is full; set maxmemory-policy noeviction",
      { evictionPolicy },
    );
  }
  if (appendOnly === "unknown") {
    log.warn(
      "Redis does not tell whether it keeps an append-only file; it should",
    );
  } else if (!appendOnly) {
    log.warn(
      "Redis keeps no append-only file; a crash of it loses what came since the last snapshot",
      { appendOnly },
    );
  } else if (appendFsync === "no") {
    log.warn("Redis leaves it to the system when its file is flushed", {
      appendFsync,
    });
  }
}

/** The lines `name:value` of INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) values.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return values;
}

/** Negative, zero or positive, comparing numbers between dots. */
function compareVersions(a: string, b: string): number {
  const [as, bs] = [a, b].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (as?.[i] ?? 0) - (bs?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function configValue(
  link: Pick<RedisLink, "send">,
  key: string,
  name: string,
): Promise<string | undefined> {
  try {
    const reply = await link.send(key, ["CONFIG", "GET", name]);
    return Array.isArray(reply) && typeof reply[1] === "string"
      ? reply[1]
      : undefined;
  } catch (error) {
    if (error instanceof RedisReplyError) return undefined;
    throw error;
  }
}

/** INFO, or without the right to it (`-@dangerous`) what HELLO tells. */
async function aboutServer(
  link: Pick<RedisLink, "send">,
  key: string,
): Promise<ReadonlyMap<string, string>> {
  try {
    return parseInfo(String(await link.send(key, ["INFO"])));
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  const hello = await link.send(key, ["HELLO"]);
  const told = new Map<string, string>();
  if (!Array.isArray(hello)) return told;
  for (let i = 0; i + 1 < hello.length; i += 2) {
    told.set(String(hello[i]), String(hello[i + 1]));
  }
  const product = told.get("server") === "valkey" ? "valkey" : "redis";
  return new Map([[`${product}_version`, told.get("version") ?? "0.0.0"]]);
}

/** Whether the server refused a command because of who asked. */
function isForbidden(error: unknown): boolean {
  return error instanceof RedisReplyError && error.reply === "NOPERM";
}
