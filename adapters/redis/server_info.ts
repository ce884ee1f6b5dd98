import type { Logger } from "@mainstay/kernel/logging";
import type { RedisLink, RedisReply, RedisServerInfo } from "./redis.ts";
import { RedisReplyError } from "./redis_errors.ts";

/** Commands that not every supported server has. */
const PROBED = ["XACKDEL", "XDELEX", "WAITAOF", "XCFGSET", "XNACK"] as const;

/** The server is older than any that this adapter works with. */
export class RedisTooOld extends Error {
  override readonly name = "RedisTooOld";
}

/**
 * Asks a server what it is and how it keeps its data. What it may not be asked
 * (managed servers forbid CONFIG) is `unknown`.
 *
 * @throws {RedisTooOld} Older than 6.2.
 */
export async function learnServerInfo(
  link: Pick<RedisLink, "send">,
  key = "",
): Promise<RedisServerInfo> {
  const info = parseInfo(String(await link.send(key, ["INFO"])));
  const valkey = info.get("valkey_version");
  const version = valkey ?? info.get("redis_version") ?? "0.0.0";
  if (!valkey && compareVersions(version, "6.2") < 0) {
    throw new RedisTooOld(
      `the server is Redis ${version}, at least 6.2 is needed`,
    );
  }
  const appendFsync = await configValue(link, key, "appendfsync");
  const commands = await probe(link, key);
  return {
    product: valkey ? "valkey" : "redis",
    version,
    commands,
    appendOnly: info.get("aof_enabled") === "1",
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
  if (!appendOnly) {
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
export function compareVersions(a: string, b: string): number {
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

async function probe(
  link: Pick<RedisLink, "send">,
  key: string,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  try {
    const reply = await link.send(key, ["COMMAND", "INFO", ...PROBED]);
    const rows = Array.isArray(reply) ? reply as readonly RedisReply[] : [];
    PROBED.forEach((name, i) => {
      if (rows[i] !== null && rows[i] !== undefined) found.add(name);
    });
    // An option of XREADGROUP shows only in its documentation.
    const docs = await link.send(key, ["COMMAND", "DOCS", "XREADGROUP"]);
    if (JSON.stringify(docs).includes('"claim"')) found.add("XREADGROUP CLAIM");
    const xadd = await link.send(key, ["COMMAND", "DOCS", "XADD"]);
    if (/"idmp"/i.test(JSON.stringify(xadd))) found.add("XADD IDMP");
  } catch (error) {
    if (!(error instanceof RedisReplyError)) throw error;
  }
  return found;
}
