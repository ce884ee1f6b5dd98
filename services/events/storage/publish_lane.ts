import type {
  RedisCommand,
  RedisLink,
  RedisReply,
  RedisScript,
} from "@mainstay/adapters/redis";
import type { StreamId } from "../domain/event.ts";

/** What Redis answered to one write. */
export interface Written {
  readonly ids: readonly StreamId[];
  /** By position, whether the event was there already. Empty: none was. */
  readonly duplicates: readonly boolean[];
  /** Replicas that hold it; undefined when none was waited for. */
  readonly replicas: number | undefined;
}

/** One shard's part of one publish call, on its way. */
export interface Write {
  readonly key: string;
  /** XADD commands: one alone as it is, several between MULTI and EXEC. */
  readonly commands: readonly RedisCommand[];
  /** Instead of commands: a script with its keys and arguments. */
  readonly script?: {
    readonly source: RedisScript;
    readonly keys: readonly [string, ...string[]];
    readonly args: readonly string[];
  };
  resolve(written: Written): void;
  reject(error: unknown): void;
}

/** Most commands of one pipeline: past it a batch would delay its own answer. */
const MAX_BATCH = 2000;
const NONE: readonly boolean[] = [];

/**
 * Group commit: one pipeline in flight, and what arrives meanwhile forms the
 * next. A slow server makes batches larger, not queues longer.
 */
export class PublishLane {
  readonly #link: RedisLink;
  readonly #wait: RedisCommand | undefined;
  #queue: Write[] = [];
  #running = false;

  /** @param wait A WAIT command to end each batch with. */
  constructor(link: RedisLink, wait?: RedisCommand) {
    this.#link = link;
    this.#wait = wait;
  }

  push(write: Write): void {
    this.#queue.push(write);
    if (this.#running) return;
    this.#running = true;
    // What the same turn brings leaves with it.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) await this.#commit(this.#take());
    this.#running = false;
  }

  #take(): Write[] {
    const queue = this.#queue;
    let commands = 0;
    let end = 0;
    while (end < queue.length && commands < MAX_BATCH) {
      commands += queue[end++]?.commands.length || 1;
    }
    if (end === queue.length) {
      this.#queue = [];
      return queue;
    }
    return queue.splice(0, end);
  }

  /** Sends everything in one turn, so that it leaves in one write, in order. */
  async #commit(batch: readonly Write[]): Promise<void> {
    const answers: Array<Promise<void>> = [];
    const done: Array<{ write: Write; ids: Written }> = [];
    const finish = (write: Write, written: Written) => {
      if (this.#wait) done.push({ write, ids: written });
      else write.resolve(written);
    };
    let singles: Write[] = [];
    const sendSingles = () => {
      if (singles.length === 0) return;
      answers.push(this.#sendSingles(singles, finish));
      singles = [];
    };
    for (const write of batch) {
      if (write.script === undefined && write.commands.length === 1) {
        singles.push(write);
        continue;
      }
      sendSingles();
      answers.push(
        this.#send(write).then(
          (written) => finish(write, written),
          (error) => write.reject(error),
        ),
      );
    }
    sendSingles();
    const replicas = this.#wait && batch[0]
      ? this.#link.send(batch[0].key, this.#wait).catch((error) => error)
      : undefined;
    await Promise.all(answers);
    if (replicas === undefined) return;
    const reached: RedisReply | Error = await replicas;
    for (const { write, ids } of done) {
      if (reached instanceof Error) write.reject(reached);
      else write.resolve({ ...ids, replicas: Number(reached) });
    }
  }

  async #sendSingles(
    writes: readonly Write[],
    finish: (write: Write, written: Written) => void,
  ): Promise<void> {
    const key = writes[0]?.key ?? "";
    const commands = writes.map(({ commands }) => commands[0] ?? []);
    try {
      const replies = await this.#link.pipeline(key, commands);
      for (let i = 0; i < writes.length; i++) {
        const reply = replies[i];
        const write = writes[i] as Write;
        if (reply instanceof Error) write.reject(reply);
        else finish(write, writtenAs([reply as StreamId]));
      }
    } catch (error) {
      for (const write of writes) write.reject(error);
    }
  }

  async #send(write: Write): Promise<Written> {
    if (write.script === undefined) {
      const replies = await this.#link.transaction(write.key, write.commands);
      return writtenAs(replies as readonly StreamId[]);
    }
    const { source, keys, args } = write.script;
    const reply = await this.#link.run(source, keys, args);
    if (!Array.isArray(reply)) throw new TypeError("A script answered no list");
    const flat = reply as readonly StreamId[];
    return {
      ids: flat.filter((_, i) => i % 2 === 0),
      duplicates: flat.filter((_, i) => i % 2 === 1)
        .map((flag: string) => flag === "1"),
      replicas: undefined,
    };
  }
}

function writtenAs(ids: readonly StreamId[]): Written {
  return { ids, duplicates: NONE, replicas: undefined };
}
