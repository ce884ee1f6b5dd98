import type { Redis, RedisReply, RedisScript } from "@mainstay/adapters/redis";
import type {
  GroupInfo,
  RetentionLimits,
  Upkeep,
} from "../domain/consumer_group.ts";
import type { StreamId } from "../domain/event.ts";
import { groupKeys } from "./redis_consumer_group.ts";
import { asArray, asRecord } from "./reply.ts";
import { streamKeys } from "./stream_keys.ts";

/** Which streams are kept in order. */
export interface UpkeepOptions {
  readonly stream: string;
  readonly shards: number;
}

/**
 * KEYS: stream. ARGV: age in milliseconds or 0, length or 0, whether even
 * unacknowledged. Answers entries removed.
 *
 * The bound is the lowest id that some group has not acknowledged; with MINID
 * it, and all after it, stays. Of the length, 1,000 entries are looked at in a
 * call. Trims whole nodes only (`~`), which costs next to nothing.
 */
const TRIM: RedisScript = {
  name: "stream-trim",
  source: `
local stream, age, length, force = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
if redis.call('EXISTS', stream) == 0 then return 0 end
local function parts(id)
  local ms, seq = id:match('^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function earlier(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  return ams < bms or (ams == bms and aseq < bseq)
end
local bound
if not force then
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local info = {}
    for i = 1, #row, 2 do info[row[i]] = row[i + 1] end
    local first = redis.call('XPENDING', stream, info['name'])[2]
    if not first then
      local undelivered = redis.call('XRANGE', stream, '(' .. info['last-delivered-id'], '+', 'COUNT', 1)[1]
      first = undelivered and undelivered[1]
    end
    if first and (not bound or earlier(first, bound)) then bound = first end
  end
end
local function trim(before)
  if bound and earlier(bound, before) then before = bound end
  return redis.call('XTRIM', stream, 'MINID', '~', before)
end
local removed = 0
if age > 0 then
  local time = redis.call('TIME')
  removed = trim(string.format('%.0f-0', tonumber(time[1]) * 1000 - age))
end
local excess = redis.call('XLEN', stream) - length
if length > 0 and excess > 0 then
  local rows = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(excess, 1000) + 1)
  removed = removed + trim(rows[#rows][1])
end
return removed`.trim(),
};

/** KEYS: stream. ARGV: idle milliseconds. Answers, group and name in turn, who was removed. */
const REMOVE_DEAD: RedisScript = {
  name: "consumers-remove-dead",
  source: `
local removed = {}
if redis.call('EXISTS', KEYS[1]) == 0 then return removed end
for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group
  for i = 1, #row, 2 do if row[i] == 'name' then group = row[i + 1] end end
  for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    local info = {}
    for i = 1, #each, 2 do info[each[i]] = each[i + 1] end
    if info['pending'] == 0 and info['idle'] >= tonumber(ARGV[1]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, info['name'])
      removed[#removed + 1] = info['name']
    end
  end
end
return removed`.trim(),
};

/** Entries that are counted one by one for a lag that the server does not know. */
const MAX_COUNTED = 10_000;
const COUNT_PAGE = 1_000;
/** One call trims about 1,000 entries beyond the length. */
const MAX_TRIM_CALLS = 100;

/** Keeps all shards of a stream in order, for all of its groups. */
export function redisUpkeep(
  redis: Redis,
  { stream, shards }: UpkeepOptions,
): Upkeep {
  const keys = streamKeys(stream, shards);
  const link = redis.link("consumer");

  const trimOne = async (key: string, limits: RetentionLimits) => {
    const args = [
      String(limits.maxAgeMs ?? 0),
      String(limits.maxLength ?? 0),
      limits.evenUnacknowledged ? "1" : "0",
    ];
    let total = 0;
    for (let call = 0; call < MAX_TRIM_CALLS; call++) {
      const removed = Number(await link.run(TRIM, [key], args));
      total += removed;
      if (removed === 0) break;
    }
    return total;
  };

  /** Entries after `last`: exact up to 10,000, beyond it by the share of time that they span. */
  const countAfter = async (
    key: string,
    last: string,
    info: Readonly<Record<string, RedisReply>>,
  ): Promise<number> => {
    const length = Number(info["length"] ?? 0);
    let count = 0;
    let from = last;
    while (count < MAX_COUNTED) {
      const page = asArray(
        await link.send(key, [
          "XRANGE",
          key,
          `(${from}`,
          "+",
          "COUNT",
          String(COUNT_PAGE),
        ]),
      );
      count += page.length;
      if (page.length < COUNT_PAGE) return count;
      from = String(asArray(page.at(-1))[0]);
    }
    const [first] = asArray(info["first-entry"]);
    const [start, at, end] = [first, last, info["last-generated-id"]]
      .map((id) => Number.parseInt(String(id), 10));
    const share = (Number(end) - Number(at)) / (Number(end) - Number(start));
    return share > 0 && share <= 1
      ? Math.max(count, Math.round(length * share))
      : length;
  };

  const groupsOf = async (
    key: string,
    shard: number,
  ): Promise<readonly GroupInfo[]> => {
    const [groups, streamInfo, time] = await link.pipeline(key, [
      ["XINFO", "GROUPS", key],
      ["XINFO", "STREAM", key],
      ["TIME"],
    ]);
    if (groups instanceof Error || streamInfo instanceof Error) return [];
    if (time instanceof Error) throw time;
    const [seconds, micros] = asArray(time).map(Number);
    const nowMs = (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
    const ageOf = (id: RedisReply | undefined) =>
      typeof id === "string"
        ? Math.max(0, nowMs - Number.parseInt(id, 10)) / 1000
        : 0;
    return await Promise.all(
      asArray(groups).map(async (row) => {
        const info = asRecord(row);
        const name = String(info["name"]);
        const last = String(info["last-delivered-id"]);
        const { retries, deadLetters } = groupKeys(key, name);
        const [pending, next, consumers, waiting, dead] = await link.pipeline(
          key,
          [
            ["XPENDING", key, name],
            ["XRANGE", key, `(${last}`, "+", "COUNT", "1"],
            ["XINFO", "CONSUMERS", key, name],
            ["ZCARD", retries],
            ["XLEN", deadLetters],
          ],
        ).then((replies) =>
          replies.map((reply) => reply instanceof Error ? null : reply)
        );
        const [count, firstPending] = asArray(pending);
        const firstUndelivered = asArray(asArray(next)[0])[0];
        const pendingAge = ageOf(firstPending);
        return {
          shard,
          name,
          pending: Number(count ?? 0),
          lag: info["lag"] === null || info["lag"] === undefined
            ? await countAfter(key, last, asRecord(streamInfo))
            : Number(info["lag"]),
          lagSeconds: Math.max(pendingAge, ageOf(firstUndelivered)),
          oldestPendingAgeSeconds: pendingAge,
          waitingForRetry: Number(waiting),
          deadLetters: Number(dead),
          lastDeliveredId: last as StreamId,
          consumers: asArray(consumers).map(asRecord).map((consumer) => ({
            name: String(consumer["name"]),
            pending: Number(consumer["pending"]),
            idleMs: Number(consumer["idle"]),
          })),
        };
      }),
    );
  };

  return {
    async trim(limits) {
      const counts = await Promise.all(
        keys.map((key) => trimOne(key, limits)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async removeDeadConsumers(idleMs) {
      const removed = await Promise.all(
        keys.map((key) => link.run(REMOVE_DEAD, [key], [String(idleMs)])),
      );
      return removed.flatMap((names) => asArray(names).map(String));
    },
    async groups() {
      return (await Promise.all(keys.map(groupsOf))).flat();
    },
  };
}
