/**
 * The event log and the dead letters in memory, for unit tests of what stands
 * on their ports.
 *
 * @module
 */
import type { DeadLetter, DeadLetters } from "../domain/dead_letter.ts";
import {
  compareStreamIds,
  type NewEvent,
  type StoredEvent,
  type StreamId,
} from "../domain/event.ts";
import type {
  AppendOptions,
  AppendResult,
  Cursor,
  EventFilter,
  EventLog,
} from "../domain/event_log.ts";
import { matchesPattern } from "../domain/event_pattern.ts";
import { shardOf } from "../domain/shard_of.ts";

/** A log that a test can look into and make fail. */
export interface MemoryEventLog extends EventLog {
  readonly stored: readonly StoredEvent[];
  readonly calls: ReadonlyArray<{
    readonly events: readonly NewEvent[];
    readonly options: AppendOptions | undefined;
  }>;
  /** Thrown by every `append` until unset. */
  failure: Error | undefined;
  /** Given as the outcome of events of a shard. */
  readonly shardFailures: Map<number, Error>;
}

/** Creates an empty log; its time begins at 1,000 ms and passes by 1 ms an event. */
export function memoryEventLog(shards = 1): MemoryEventLog {
  const stored: StoredEvent[] = [];
  const calls: Array<MemoryEventLog["calls"][number]> = [];
  const known = new Map<string, AppendResult>();
  const waiting = new Set<() => void>();
  let ms = 1_000;
  const appendOne = (event: NewEvent): AppendResult => {
    const shard = shardOf(event.aggregateId, shards);
    const error = log.shardFailures.get(shard);
    if (error !== undefined) return { ok: false, error };
    const before = event.id === undefined ? undefined : known.get(event.id);
    if (before?.ok) {
      return { ok: true, receipt: { ...before.receipt, duplicate: true } };
    }
    const streamId = `${ms++}-0` as StreamId;
    stored.push({
      streamId,
      shard,
      event: event.event,
      aggregateId: event.aggregateId,
      data: JSON.parse(event.json),
      json: event.json,
      headers: event.headers,
      timestamp: new Date(ms).toISOString(),
    });
    const result: AppendResult = {
      ok: true,
      receipt: { streamId, shard, duplicate: false, durability: "memory" },
    };
    if (event.id !== undefined) known.set(event.id, result);
    return result;
  };
  const after = (from: Cursor | number, filter: EventFilter = {}) =>
    stored.filter((event) =>
      (typeof from === "number"
        ? Number.parseInt(event.streamId) >= from
        : compareStreamIds(
          event.streamId,
          from[event.shard] ?? "0-0" as StreamId,
        ) > 0) &&
      (filter.types?.some((type) => matchesPattern(type, event.event)) ??
        true) &&
      (filter.aggregateId ?? event.aggregateId) === event.aggregateId
    );
  const cursorAfter = (events: readonly StoredEvent[], from: Cursor) => {
    const cursor = [...from];
    for (const { shard, streamId } of events) cursor[shard] = streamId;
    return cursor;
  };
  const start = (): Cursor => Array(shards).fill("0-0");
  const log: MemoryEventLog = {
    shards,
    stored,
    calls,
    failure: undefined,
    shardFailures: new Map(),
    append(events, options) {
      if (log.failure !== undefined) return Promise.reject(log.failure);
      calls.push({ events, options });
      const results = events.map(appendOne);
      for (const wake of waiting) wake();
      return Promise.resolve(results);
    },
    read(from, limit, filter) {
      const found = after(from, filter);
      const events = found.slice(0, limit);
      const base = typeof from === "number" ? start() : from;
      return Promise.resolve({
        events,
        next: cursorAfter(events, base),
        more: found.length > limit,
      });
    },
    end: () => Promise.resolve(cursorAfter(stored, start())),
    async *tail(from, filter, signal) {
      let cursor = from;
      while (!signal.aborted) {
        for (const event of after(cursor, filter)) {
          cursor = cursorAfter([event], cursor);
          yield { event, cursor };
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
        await promise;
        waiting.delete(resolve);
      }
    },
  };
  return log;
}

/** Dead letters that a test puts there. */
export function memoryDeadLetters(
  letters: DeadLetter[],
  replay: (letter: DeadLetter) => StreamId,
): DeadLetters {
  const take = (id: string) => {
    const index = letters.findIndex((letter) => letter.id === id);
    return index < 0 ? undefined : letters.splice(index, 1)[0];
  };
  return {
    list({ limit, after, type }) {
      const from = letters.findIndex(({ id }) => id === after) + 1;
      const rest = letters.slice(from)
        .filter(({ fields }) => (type ?? fields["event"]) === fields["event"]);
      const page = rest.slice(0, limit);
      const next = rest.length > limit ? page.at(-1)?.id : undefined;
      return Promise.resolve({ letters: page, next });
    },
    get: (id) => Promise.resolve(letters.find((letter) => letter.id === id)),
    replay(id) {
      const letter = letters.find((letter) => letter.id === id);
      if (letter === undefined) return Promise.resolve(undefined);
      return Promise.resolve().then(() => {
        const streamId = replay(letter);
        take(id);
        return streamId;
      });
    },
    discard: (id) => Promise.resolve(take(id) !== undefined),
    count: () => Promise.resolve(letters.length),
  };
}
