import type { RedisReply } from "@mainstay/adapters/redis";

/** A reply that should be a list; empty when it is not. */
export function asArray(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? reply : [];
}

/** Names and values in turn, as XINFO and entries have them; of like names the last counts. */
export function asRecord(
  reply: RedisReply | undefined,
): Readonly<Record<string, RedisReply>> {
  const flat = asArray(reply);
  const pairs: Array<[string, RedisReply]> = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push([String(flat[i]), flat[i + 1] ?? null]);
  }
  return Object.fromEntries(pairs);
}
