import type { Redis, RedisReply } from "@mainstay/adapters/redis";
import type { Auditor, GroupAudit } from "../domain/audit.ts";
import type { StreamId } from "../domain/event.ts";
import { compareStreamIds } from "../domain/event.ts";
import { groupKeys } from "./redis_consumer_group.ts";
import { asArray, asRecord } from "./reply.ts";
import { entryFromFields, isStoredEvent } from "./stream_entry.ts";
import { companionKey, streamKeys } from "./stream_keys.ts";

const PAGE = 1_000;
const ZERO = "0-0" as StreamId;

/** A group as it stood when the audit began. */
interface GroupState {
  readonly name: string;
  readonly lastDelivered: StreamId;
  readonly entriesRead: number | undefined;
  readonly pending: ReadonlySet<string>;
  readonly waiting: ReadonlySet<string>;
  readonly dead: ReadonlySet<string>;
}

/**
 * Reads every entry, every pending list and every dead letter of a stream once,
 * page by page, and counts. Exact while nothing else writes; beside live
 * traffic each entry is counted as it stood when its page was read.
 */
export function redisAuditor(
  redis: Redis,
  { stream, shards }: { readonly stream: string; readonly shards: number },
): Auditor {
  const link = redis.link("consumer");

  /** All rows of a command that pages by id. */
  async function* rows(
    key: string,
    command: (start: string) => readonly string[],
  ): AsyncIterable<readonly RedisReply[]> {
    let start = "-";
    for (;;) {
      const page = asArray(await link.send(key, command(start)));
      for (const row of page) yield asArray(row);
      if (page.length < PAGE) return;
      start = `(${asArray(page.at(-1))[0]}`;
    }
  }

  const range = (key: string, end = "+") => (start: string) => [
    "XRANGE",
    key,
    start,
    end,
    "COUNT",
    String(PAGE),
  ];

  const deadOf = async (key: string) => {
    const deadKey = companionKey(key, "dead-letters");
    const byGroup = new Map<string, Set<string>>();
    for await (const [, fields] of rows(deadKey, range(deadKey))) {
      const { group, originId } = asRecord(fields);
      const ids = byGroup.get(String(group)) ?? new Set();
      byGroup.set(String(group), ids.add(String(originId)));
    }
    return byGroup;
  };

  const stateOf = async (
    key: string,
    info: Readonly<Record<string, RedisReply>>,
    dead: ReadonlyMap<string, ReadonlySet<string>>,
  ): Promise<GroupState> => {
    const name = String(info["name"]);
    const pending = new Set<string>();
    const command = (start: string) => [
      "XPENDING",
      key,
      name,
      start,
      "+",
      String(PAGE),
    ];
    for await (const [id] of rows(key, command)) pending.add(String(id));
    const { retries } = groupKeys(key, name);
    const waiting = await link.send(retries, ["ZRANGE", retries, "0", "-1"]);
    const read = info["entries-read"];
    return {
      name,
      lastDelivered: String(info["last-delivered-id"]) as StreamId,
      entriesRead: read === null || read === undefined
        ? undefined
        : Number(read),
      pending,
      waiting: new Set(asArray(waiting).map(String)),
      dead: dead.get(name) ?? new Set(),
    };
  };

  const auditOne = async (
    key: string,
    shard: number,
  ): Promise<readonly GroupAudit[]> => {
    const [streamInfo, groupInfo] = await link.pipeline(key, [
      ["XINFO", "STREAM", key],
      ["XINFO", "GROUPS", key],
    ]);
    // No such key: nothing was ever added, or all of it is gone.
    if (streamInfo instanceof Error || groupInfo instanceof Error) return [];
    const info = asRecord(streamInfo);
    const last = String(info["last-generated-id"] ?? ZERO);
    const dead = await deadOf(key);
    const groups: GroupState[] = [];
    for (const row of asArray(groupInfo)) {
      groups.push(await stateOf(key, asRecord(row), dead));
    }
    const counts = groups.map((group) => new Count(group));
    let length = 0;
    for await (const [id, fields] of rows(key, range(key, last))) {
      length++;
      const streamId = String(id) as StreamId;
      const valid = isStoredEvent(
        entryFromFields(shard, streamId, fields ?? null),
      );
      for (const count of counts) count.add(streamId, valid);
    }
    const added = Number(info["entries-added"]);
    return counts.map((count) =>
      count.result({ shard, stream: key, added, length })
    );
  };

  return {
    async audit() {
      const keys = streamKeys(stream, shards);
      return (await Promise.all(keys.map(auditOne))).flat();
    },
  };
}

/** One group's count of the entries that are there. */
class Count {
  readonly #group: GroupState;
  #present = 0;
  #acknowledged = 0;
  #pending = 0;
  #waiting = 0;
  #undelivered = 0;
  #foreign = 0;
  #dead = 0;

  constructor(group: GroupState) {
    this.#group = group;
  }

  add(id: StreamId, valid: boolean): void {
    const { pending, waiting, dead, lastDelivered } = this.#group;
    if (pending.has(id)) {
      this.#present++;
      if (waiting.has(id)) this.#waiting++;
      else this.#pending++;
    } else if (compareStreamIds(id, lastDelivered) > 0) {
      if (valid) this.#undelivered++;
      else this.#foreign++;
    } else if (dead.has(id)) this.#dead++;
    else this.#acknowledged++;
  }

  result(
    { shard, stream, added, length }: {
      readonly shard: number;
      readonly stream: string;
      readonly added: number;
      readonly length: number;
    },
  ): GroupAudit {
    const { name, entriesRead, pending } = this.#group;
    const ahead = this.#undelivered + this.#foreign;
    const lostPending = pending.size - this.#present;
    // Delivered and still to come are all there ever was; what is missing was
    // trimmed before its delivery.
    const lostUndelivered = entriesRead === undefined
      ? 0
      : Math.max(0, added - entriesRead - ahead);
    const trimmed = added - length;
    const counted = this.#acknowledged + this.#pending + this.#waiting +
      this.#dead + ahead + trimmed;
    return {
      shard,
      stream,
      group: name,
      added,
      acknowledged: this.#acknowledged,
      pending: this.#pending,
      waitingForRetry: this.#waiting,
      undelivered: this.#undelivered,
      foreign: this.#foreign,
      dead: this.#dead,
      trimmed,
      lostPending,
      lostUndelivered,
      complete: counted === added && trimmed >= 0 && lostPending === 0 &&
        lostUndelivered === 0,
    };
  }
}
