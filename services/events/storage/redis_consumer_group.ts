import {
  type Redis,
  type RedisLink,
  type RedisReply,
  RedisReplyError,
  type RedisScript,
} from "@mainstay/adapters/redis";
import type {
  ClaimedEntries,
  ConsumerGroup,
  DeathNote,
  Delivery,
  Replicas,
  ShardLease,
} from "../domain/consumer_group.ts";
import { GroupLost, LeaseLost } from "../domain/consumer_group_errors.ts";
import type { StreamId } from "../domain/event.ts";
import * as scripts from "./consumer_group_scripts.ts";
import { asArray, asRecord } from "./reply.ts";
import { entryFromFields, isStoredEvent } from "./stream_entry.ts";
import { companionKey } from "./stream_keys.ts";

/** Which consumer of which group of which shard. */
export interface ConsumerGroupOptions {
  readonly streamKey: string;
  readonly shard: number;
  readonly group: string;
  /** The consumer's name, asked for when the group is first used. */
  readonly consumer: () => string;
}

/** The keys of a group beside its stream, in the same hash slot. */
export function groupKeys(streamKey: string, group: string) {
  const key = (suffix: string) => companionKey(streamKey, suffix);
  return {
    lease: key(`lease:${group}`),
    retries: key(`retries:${group}`),
    cursor: key(`cursor:${group}`),
    deadLetters: key("dead-letters"),
  };
}

/** Ids that one script call takes: Redis does nothing else meanwhile. */
const MAX_IDS = 500;

/**
 * A consumer group of a Redis stream.
 *
 * Reads over the link `consumer`, with all else; waits over `reader-<shard>`,
 * which carries nothing else.
 */
export class RedisConsumerGroup implements ConsumerGroup {
  readonly shard: number;
  readonly #consumer: () => string;
  readonly #stream: string;
  readonly #group: string;
  readonly #keys: readonly [string, string, string, string, string];
  readonly #link: RedisLink;
  readonly #reader: RedisLink;
  /** The last one saved, for when Redis has lost it. */
  #cursor = "";

  constructor(redis: Redis, options: ConsumerGroupOptions) {
    const { streamKey, group } = options;
    const keys = groupKeys(streamKey, group);
    this.shard = options.shard;
    this.#consumer = options.consumer;
    this.#stream = streamKey;
    this.#group = group;
    this.#keys = [
      streamKey,
      keys.lease,
      keys.retries,
      keys.cursor,
      keys.deadLetters,
    ];
    this.#link = redis.link("consumer");
    this.#reader = redis.link(`reader-${options.shard}`, { blocking: true });
  }

  get consumer(): string {
    return this.#consumer();
  }

  async ensure(): Promise<"present" | "created"> {
    const [created] = asArray(
      await this.#run(scripts.ENSURE, [this.#cursor]),
    );
    return created === 1 ? "created" : "present";
  }

  async read(count: number, lease?: ShardLease): Promise<readonly Delivery[]> {
    const gate = lease ? [`${this.#keys[1]}:${lease.fence}`] : [];
    const command = [
      "XREADGROUP",
      "GROUP",
      this.#group,
      this.consumer,
      "COUNT",
      String(count),
      "STREAMS",
      this.#stream,
      ...gate,
      ">",
      ...gate.map(() => ">"),
    ];
    let reply: RedisReply;
    try {
      reply = await this.#link.send(this.#stream, command);
    } catch (error) {
      if (isLost(error) && lease && !await this.#holds(lease)) {
        throw new LeaseLost(this.shard);
      }
      throw this.#translated(error);
    }
    const [stream] = asArray(reply);
    return asArray(asArray(stream)[1]).map((row) => {
      const [id, fields] = asArray(row);
      return {
        entry: entryFromFields(
          this.shard,
          id as StreamId,
          fields ?? null,
        ),
        deliveries: 1,
        dueAtMs: undefined,
      };
    });
  }

  async wait(timeoutMs: number): Promise<void> {
    try {
      const groups = await this.#link.send(this.#stream, [
        "XINFO",
        "GROUPS",
        this.#stream,
      ]);
      const last = asArray(groups).map(asRecord)
        .find((row) => row["name"] === this.#group)?.["last-delivered-id"];
      if (last === undefined) {
        throw new GroupLost(this.shard, "No such group");
      }
      await this.#reader.send(this.#stream, [
        "XREAD",
        "COUNT",
        "1",
        "BLOCK",
        String(timeoutMs),
        "STREAMS",
        this.#stream,
        String(last),
      ]);
    } catch (error) {
      throw this.#translated(error);
    }
  }

  claim(
    minIdleMs: number,
    count: number,
    start: StreamId,
    lease?: ShardLease,
  ): Promise<ClaimedEntries> {
    return this.#claim(String(minIdleMs), count, start, lease);
  }

  reread(
    count: number,
    start: StreamId,
    lease?: ShardLease,
  ): Promise<ClaimedEntries> {
    return this.#claim("own", count, start, lease);
  }

  async begin(
    id: StreamId,
    attempt: number,
    lease?: ShardLease,
  ): Promise<boolean> {
    return await this.#run(scripts.BEGIN, [id, String(attempt)], lease) === 1;
  }

  async ack(ids: readonly StreamId[], lease?: ShardLease): Promise<number> {
    let count = 0;
    for (const part of inParts(ids)) {
      const [acked, cursor] = asArray(
        await this.#run(scripts.ACK, part, lease),
      );
      count += Number(acked);
      if (cursor) this.#cursor = String(cursor);
    }
    return count;
  }

  async extend(
    ids: readonly StreamId[],
    lease?: ShardLease,
  ): Promise<readonly StreamId[]> {
    const ours: RedisReply[] = [];
    for (const part of inParts(ids)) {
      ours.push(...asArray(await this.#run(scripts.EXTEND, part, lease)));
    }
    return ours as StreamId[];
  }

  async handBack(
    entries: ReadonlyArray<
      { readonly id: StreamId; readonly attemptsBegun: number }
    >,
    lease?: ShardLease,
  ): Promise<void> {
    for (const part of inParts(entries)) {
      const args = part.flatMap((entry) => [
        entry.id,
        String(entry.attemptsBegun),
      ]);
      await this.#run(scripts.HAND_BACK, args, lease);
    }
  }

  async retryAt(
    id: StreamId,
    dueAtMs: number,
    attempts: number,
    lease?: ShardLease,
  ): Promise<boolean> {
    const args = [id, String(dueAtMs), String(attempts)];
    return await this.#run(scripts.RETRY_AT, args, lease) === 1;
  }

  async bury(
    { entry }: Delivery,
    note: DeathNote,
    lease?: ShardLease,
  ): Promise<boolean> {
    const fields = isStoredEvent(entry)
      ? {
        event: entry.event,
        aggregateId: entry.aggregateId,
        data: entry.json,
        headers: JSON.stringify(entry.headers),
        timestamp: entry.timestamp,
      }
      : entry.fields;
    const args = [
      entry.streamId,
      note.reason,
      note.error,
      String(note.attempts),
      ...Object.entries(fields).slice(0, 1_000).flat(),
    ];
    return await this.#run(scripts.BURY, args, lease) === 1;
  }

  async acquire(leaseMs: number): Promise<ShardLease | undefined> {
    const fence = await this.#run(scripts.ACQUIRE, [String(leaseMs)]);
    return fence === null
      ? undefined
      : { shard: this.shard, fence: Number(fence) };
  }

  async renew(lease: ShardLease, leaseMs: number): Promise<boolean> {
    return await unlessLost(
      this.#run(scripts.RENEW, [String(leaseMs)], lease),
    );
  }

  async release(lease: ShardLease): Promise<void> {
    await unlessLost(this.#run(scripts.RELEASE, [], lease));
  }

  async leave(): Promise<void> {
    try {
      await this.#run(scripts.LEAVE, []);
    } catch (error) {
      if (!(error instanceof GroupLost)) throw error;
    }
  }

  async #claim(
    idle: string,
    count: number,
    start: StreamId,
    lease: ShardLease | undefined,
  ): Promise<ClaimedEntries> {
    const [next, trimmed, entries] = asArray(
      await this.#run(scripts.CLAIM, [idle, String(count), start], lease),
    );
    return {
      next: next as StreamId,
      trimmed: Number(trimmed),
      deliveries: asArray(entries).map((row) => {
        const [id, fields, begun, due] = asArray(row);
        return {
          entry: entryFromFields(
            this.shard,
            id as StreamId,
            fields ?? null,
          ),
          deliveries: Number(begun) + 1,
          dueAtMs: due === "" ? undefined : Number(due),
        };
      }),
    };
  }

  async #holds(lease: ShardLease): Promise<boolean> {
    const key = this.#keys[1];
    const fence = await this.#link.send(key, ["HGET", key, "fence"]);
    return fence === String(lease.fence);
  }

  async #run(
    script: RedisScript,
    args: readonly string[],
    lease?: ShardLease,
  ): Promise<RedisReply> {
    const fence = lease ? String(lease.fence) : "";
    try {
      return await this.#link.run(script, this.#keys, [
        this.#group,
        this.consumer,
        fence,
        ...args,
      ]);
    } catch (error) {
      throw this.#translated(error);
    }
  }

  #translated(error: unknown): unknown {
    if (error instanceof RedisReplyError && error.reply === "LEASELOST") {
      return new LeaseLost(this.shard);
    }
    return isLost(error) ? new GroupLost(this.shard, error) : error;
  }
}

/** The processes of a group, in a sorted set beside the first shard. */
export function redisReplicas(
  redis: Redis,
  options: Omit<ConsumerGroupOptions, "shard">,
): Replicas {
  const key = companionKey(options.streamKey, `replicas:${options.group}`);
  const link = redis.link("consumer");
  return {
    async announce(ttlMs) {
      const args = [options.consumer(), String(ttlMs)];
      return Number(await link.run(scripts.ANNOUNCE, [key], args));
    },
    async leave() {
      await link.send(key, ["ZREM", key, options.consumer()]);
    },
  };
}

function isLost(error: unknown): boolean {
  return error instanceof RedisReplyError &&
    (error.reply === "NOGROUP" || /no such key/i.test(error.text));
}

async function unlessLost(call: Promise<RedisReply>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof LeaseLost) return false;
    throw error;
  }
}

function* inParts<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let at = 0; at < items.length; at += MAX_IDS) {
    yield items.slice(at, at + MAX_IDS);
  }
}
