import type { Redis, RedisReply } from "@mainstay/adapters/redis";
import { EVENT_LIMITS } from "@mainstay/contracts/events";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { DeadLetter, DeadLetters } from "../domain/dead_letter.ts";
import { isStreamId, type StreamId } from "../domain/event.ts";
import { asArray, asRecord } from "./reply.ts";
import { entryFromFields, isStoredEvent } from "./stream_entry.ts";
import { companionKey, streamKeys } from "./stream_keys.ts";

/** Whose dead letters they are. */
export interface DeadLettersOptions {
  readonly stream: string;
  readonly shards: number;
}

/** The header of a replayed event that names the entry it was at first. */
const ORIGIN_HEADER = "dead-letter-origin";

const MAX_PAGE = 500;

/**
 * KEYS: stream, dead letters. ARGV: dead letter, fields of the event. Adds
 * before it removes: what a script has done stays done when its next step fails.
 */
const REPLAY = {
  name: "dead-letter-replay",
  source: `
if #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then return nil end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[2], ARGV[1])
return id`.trim(),
};

/**
 * The dead letters of all shards: a stream beside each, oldest first, shard
 * after shard. Nothing removes them but an operator.
 */
export function redisDeadLetters(
  redis: Redis,
  { stream, shards }: DeadLettersOptions,
): DeadLetters {
  const keys = streamKeys(stream, shards).map((streamKey) => ({
    streamKey,
    deadKey: companionKey(streamKey, "dead-letters"),
  }));
  const link = redis.link("consumer");

  const page = async (
    shard: number,
    after: StreamId | undefined,
    count: number,
  ): Promise<readonly DeadLetter[]> => {
    const deadKey = keys[shard]?.deadKey;
    if (deadKey === undefined) return [];
    const start = after === undefined ? "-" : `(${after}`;
    const command = ["XRANGE", deadKey, start, "+", "COUNT", String(count)];
    return asArray(await link.send(deadKey, command))
      .map((row) => letterOf(shard, row));
  };

  const find = async (id: string) => {
    const place = parseId(id);
    const key = place && keys[place.shard];
    if (!place || !key) return undefined;
    const { deadKey } = key;
    const [row] = asArray(
      await link.send(deadKey, ["XRANGE", deadKey, place.id, place.id]),
    );
    if (row === undefined) return undefined;
    return { ...place, ...key, letter: letterOf(place.shard, row), row };
  };

  return {
    async list({ limit, after, type }) {
      const from = after === undefined ? undefined : parseId(after);
      if (after !== undefined && !from) {
        throw new InvalidInput([{
          pointer: "after",
          detail: "Expected the id of a dead letter",
        }]);
      }
      const letters: DeadLetter[] = [];
      for (let shard = from?.shard ?? 0; shard < keys.length; shard++) {
        let last = shard === from?.shard ? from.id : undefined;
        for (;;) {
          const rows = await page(shard, last, MAX_PAGE);
          for (const letter of rows) {
            if (type !== undefined && letter.fields["event"] !== type) continue;
            if (letters.length === limit) {
              return { letters, next: letters.at(-1)?.id };
            }
            letters.push(letter);
          }
          if (rows.length < MAX_PAGE) break;
          last = parseId(rows.at(-1)?.id ?? "")?.id;
        }
      }
      return { letters, next: undefined };
    },
    async get(id) {
      return (await find(id))?.letter;
    },
    async replay(id) {
      const found = await find(id);
      if (!found) return undefined;
      const { letter, streamKey, deadKey, shard } = found;
      const entry = entryFromFields(
        shard,
        letter.originId,
        Object.entries(letter.fields).flat(),
      );
      if (!isStoredEvent(entry)) {
        throw new InvalidInput([{ pointer: id, detail: entry.reason }]);
      }
      const traced = { ...entry.headers, [ORIGIN_HEADER]: letter.originId };
      // One header too many would make it a dead letter again, for that alone.
      const headers = Object.keys(traced).length > EVENT_LIMITS.headers
        ? entry.headers
        : traced;
      const fields = { ...letter.fields, headers: JSON.stringify(headers) };
      const streamId = await link.run(REPLAY, [streamKey, deadKey], [
        found.id,
        ...Object.entries(fields).flat(),
      ]);
      return streamId === null ? undefined : String(streamId) as StreamId;
    },
    async discard(id) {
      const place = parseId(id);
      const deadKey = place && keys[place.shard]?.deadKey;
      if (!place || deadKey === undefined) return false;
      return await link.send(deadKey, ["XDEL", deadKey, place.id]) === 1;
    },
    async count() {
      const counts = await Promise.all(
        keys.map(({ deadKey }) => link.send(deadKey, ["XLEN", deadKey])),
      );
      return counts.reduce<number>((sum, count) => sum + Number(count), 0);
    },
  };
}

function parseId(
  text: string,
): { readonly shard: number; readonly id: StreamId } | undefined {
  const [, shard = "", id = ""] =
    /^(\d{1,6}):(\d{1,20}-\d{1,20})$/.exec(text) ??
      [];
  return isStreamId(id) ? { shard: Number(shard), id } : undefined;
}

function letterOf(shard: number, row: RedisReply): DeadLetter {
  const [id, flat] = asArray(row);
  const note = asRecord(flat);
  const text = (name: string) => String(note[name] ?? "");
  return {
    id: `${shard}:${id}`,
    shard,
    originId: text("originId") as StreamId,
    group: text("group"),
    consumer: text("consumer"),
    reason: text("reason"),
    error: text("error"),
    attempts: Number(note["attempts"] ?? 0),
    deadAt: new Date(Number.parseInt(String(id), 10)).toISOString(),
    fields: fieldsOf(text("fields")),
  };
}

/** Reads the array that burying wrote; nothing if someone else wrote another thing. */
function fieldsOf(json: string): Readonly<Record<string, string>> {
  let flat: unknown;
  try {
    flat = JSON.parse(json);
  } catch {
    return {};
  }
  if (!Array.isArray(flat)) return {};
  const pairs: Array<[string, string]> = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push([String(flat[i]), String(flat[i + 1])]);
  }
  return Object.fromEntries(pairs);
}
