import {
  type RedisCommand,
  type RedisLink,
  type RedisReply,
  RedisReplyError,
} from "@mainstay/adapters/redis";
import type { Breaker } from "@mainstay/kernel/resilience";
import type { NewEvent, StreamId } from "../domain/event.ts";
import { idempotencyConflict } from "./publish_refusal.ts";
import { APPEND_ALL, APPEND_ONCE } from "./publish_scripts.ts";
import { fieldsOf, headersText } from "./stream_entry.ts";

/** What Redis answered to one write. */
export interface Written {
  readonly ids: readonly StreamId[];
  /** By position, whether the event was there already. Empty: none was. */
  readonly duplicates: readonly boolean[];
  /** Replicas that hold it; undefined when none was waited for. */
  readonly replicas: number | undefined;
}

/** What a key was used for is remembered under `key`. */
export interface KeyRecord {
  readonly key: string;
  readonly fingerprint: string;
}

/** One shard's part of one publish call, on its way. */
export interface Write {
  /** The stream. */
  readonly key: string;
  readonly events: readonly NewEvent[];
  /** Of the whole call and of each event; without, nothing is remembered. */
  readonly once?: {
    readonly call: KeyRecord | undefined;
    readonly events: ReadonlyArray<KeyRecord | undefined>;
  };
  resolve(written: Written): void;
  reject(error: unknown): void;
}

/** A write that waits for replicas. */
interface Held {
  readonly write: Write;
  readonly written: Omit<Written, "replicas">;
}

/** How long keys are remembered. */
export const KEY_TTL_SECONDS = "86400";
/** Events of one batch, about: past it a batch would delay its own answer. */
const MAX_BATCH = 1000;
const NONE: readonly boolean[] = [];

/** What a lane needs beside its link. */
export interface PublishLaneOptions {
  /** Every batch is one call of it. */
  readonly breaker: Breaker;
  /** Now, ISO 8601. */
  readonly timestamp: () => string;
  /** A WAIT command to end each batch with. */
  readonly wait?: RedisCommand;
}

/**
 * Group commit: one pipeline in flight, and what arrives meanwhile forms the
 * next. A slow server makes batches larger, not queues longer.
 */
export class PublishLane {
  readonly #link: RedisLink;
  readonly #breaker: Breaker;
  readonly #timestamp: () => string;
  readonly #wait: RedisCommand | undefined;
  #queue: Write[] = [];
  #running = false;

  constructor(link: RedisLink, options: PublishLaneOptions) {
    this.#link = link;
    this.#breaker = options.breaker;
    this.#timestamp = options.timestamp;
    this.#wait = options.wait;
  }

  push(write: Write): void {
    this.#queue.push(write);
    if (this.#running) return;
    this.#running = true;
    // What the same turn brings leaves with it.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      await this.#breaker.run(() => this.#commit(batch)).catch((error) => {
        // Of those that were sent, each knows its own fate by now.
        for (const write of batch) write.reject(error);
      });
    }
    this.#running = false;
  }

  #take(): Write[] {
    const queue = this.#queue;
    let events = 0;
    let end = 0;
    while (end < queue.length && events < MAX_BATCH) {
      events += queue[end++]?.events.length ?? 0;
    }
    if (end === queue.length) {
      this.#queue = [];
      return queue;
    }
    return queue.splice(0, end);
  }

  /**
   * Sends everything in one turn, so that it leaves in one write, in order.
   *
   * @throws What failed a whole run of it, once every write is settled.
   */
  async #commit(batch: readonly Write[]): Promise<void> {
    const answers: Array<Promise<void>> = [];
    const held: Held[] = [];
    const finish = (write: Write, written: Omit<Written, "replicas">) => {
      if (this.#wait) held.push({ write, written });
      else write.resolve({ ...written, replicas: undefined });
    };
    // What came in turn stays in turn: runs of writes with keys and without.
    for (let from = 0, to = 0; from < batch.length; from = to) {
      const keyed = batch[from]?.once !== undefined;
      while (to < batch.length && (batch[to]?.once !== undefined) === keyed) {
        to++;
      }
      const run = batch.slice(from, to);
      answers.push(this.#append(run, keyed, finish));
    }
    const outcomes = await Promise.allSettled(answers);
    await this.#confirm(held);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  /** Answers what is written, with the number of replicas that have it. */
  async #confirm(held: readonly Held[]): Promise<void> {
    const [first] = held;
    if (!first || !this.#wait) return;
    // Not in the same write: a server that has forgotten a script, or moved the
    // shard, is written to again, and a WAIT before that speaks of older events.
    const replicas = await this.#link.send(first.write.key, this.#wait)
      .then(Number, () => 0);
    for (const { write, written } of held) {
      write.resolve({ ...written, replicas });
    }
  }

  async #append(
    writes: readonly Write[],
    keyed: boolean,
    finish: (write: Write, written: Omit<Written, "replicas">) => void,
  ): Promise<void> {
    try {
      const lines = await (keyed ? this.#sendOnce(writes) : this.#send(writes));
      let at = 0;
      for (const write of writes) {
        const end = at + write.events.length;
        const first = lines[at] ?? "";
        if (!first.startsWith("-")) {
          finish(write, readLines(lines.slice(at, end), keyed));
          at = end;
          continue;
        }
        write.reject(
          first === "-CONFLICT"
            ? idempotencyConflict()
            : new RedisReplyError(first.slice(1)),
        );
        // With keys a refused part is one line; without, each event has its own.
        at = keyed ? at + 1 : end;
      }
    } catch (error) {
      for (const write of writes) write.reject(error);
      throw error;
    }
  }

  async #send(writes: readonly Write[]): Promise<readonly string[]> {
    const key = writes[0]?.key ?? "";
    const only = writes.length === 1 ? writes[0]?.events : undefined;
    if (only?.length === 1 && only[0]) {
      const fields = fieldsOf(only[0], this.#timestamp());
      return [
        String(await this.#link.send(key, ["XADD", key, "*", ...fields])),
      ];
    }
    const keys = new KeyList(key);
    const args = [this.#timestamp()];
    for (const { key, events } of writes) {
      const index = keys.indexOf(key);
      for (const { event, aggregateId, json, headers } of events) {
        args.push(index, event, aggregateId, json, headersText(headers));
      }
    }
    return listOf(await this.#link.run(APPEND_ALL, keys.all, args));
  }

  async #sendOnce(writes: readonly Write[]): Promise<readonly string[]> {
    const keys = new KeyList(writes[0]?.key ?? "");
    const touch = this.#wait === undefined ? "0" : "1";
    const args = [this.#timestamp(), KEY_TTL_SECONDS, touch];
    const pushRecord = (record: KeyRecord | undefined) => {
      if (record === undefined) args.push("0", "-");
      else args.push(keys.indexOf(record.key), record.fingerprint);
    };
    for (const { key, events, once } of writes) {
      args.push(keys.indexOf(key));
      pushRecord(once?.call);
      args.push(String(events.length));
      events.forEach(({ event, aggregateId, json, headers }, i) => {
        pushRecord(once?.events[i]);
        args.push(event, aggregateId, json, headersText(headers));
      });
    }
    return listOf(await this.#link.run(APPEND_ONCE, keys.all, args));
  }
}

/** The keys of a script, each once, by their index as Lua counts. */
class KeyList {
  readonly all: [string, ...string[]];
  readonly #indexes: Map<string, string>;

  constructor(first: string) {
    this.all = [first];
    this.#indexes = new Map([[first, "1"]]);
  }

  indexOf(key: string): string {
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = String(this.all.push(key));
      this.#indexes.set(key, index);
    }
    return index;
  }
}

function readLines(
  lines: readonly string[],
  keyed: boolean,
): Omit<Written, "replicas"> {
  if (!keyed) return { ids: lines as StreamId[], duplicates: NONE };
  const duplicates = lines.map((line) => line.startsWith("="));
  const ids = lines.map((line) =>
    line.startsWith("=") ? line.slice(1) : line
  ) as StreamId[];
  return { ids, duplicates };
}

function listOf(reply: RedisReply): readonly string[] {
  if (!Array.isArray(reply)) throw new TypeError("A script answered no list");
  return reply;
}
