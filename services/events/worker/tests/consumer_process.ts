import type { TestRedis } from "@mainstay/adapters/testing";
import { createClient } from "redis";
import { shardOf } from "../../domain/shard_of.ts";
import { streamKeys } from "../../storage/stream_keys.ts";
import type { ConsumerProgramOptions, Task } from "./consumer_program.ts";

/** A consumer that can be killed, frozen and stopped in order. */
export interface ConsumerProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number>;
  kill(signal: Deno.Signal): void;
  /** Everything it wrote to its log. */
  log(): string;
}

const PROGRAM = new URL("consumer_program.ts", import.meta.url);

/** Starts the program and waits until it consumes. */
export async function startConsumer(
  options: ConsumerProgramOptions,
): Promise<ConsumerProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM.href, JSON.stringify(options)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("ready")) resolve();
    }
    resolve();
  };
  const collected = [collect(child.stdout), collect(child.stderr)];
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
  await ready;
  const exited = child.status.then(({ code }) => code);
  return {
    pid: child.pid,
    exited,
    kill,
    log: () => text,
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await exited;
      await Promise.all(collected);
    },
  };
}

/** One line of the file in which consumers say what they did. */
export interface Handled {
  readonly what: string;
  readonly aggregateId: string;
  readonly n: number;
  readonly streamId: string;
  readonly attempt: number;
  readonly by: string;
}

/** What consumers have said so far. */
export async function readHandled(file: string): Promise<readonly Handled[]> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return text.split("\n").slice(0, -1).map((line) => {
    const [what = "", aggregateId = "", n, streamId = "", attempt, by = ""] =
      line.split(" ");
    return {
      what,
      aggregateId,
      n: Number(n),
      streamId,
      attempt: Number(attempt),
      by,
    };
  });
}

/** Appends tasks as events, in order. */
export async function publish(
  redis: TestRedis,
  { stream, shards }: { readonly stream: string; readonly shards: number },
  tasks: ReadonlyArray<Task & { readonly aggregateId: string }>,
): Promise<void> {
  const client = createClient({ url: redis.url });
  client.on("error", () => {});
  await client.connect();
  const keys = streamKeys(stream, shards);
  try {
    for (let at = 0; at < tasks.length; at += 1_000) {
      await Promise.all(
        tasks.slice(at, at + 1_000).map(({ aggregateId, ...data }) =>
          client.sendCommand([
            "XADD",
            keys[shardOf(aggregateId, shards)] ?? stream,
            "*",
            "event",
            `task.${data.act ?? "do"}`,
            "aggregateId",
            aggregateId,
            "data",
            JSON.stringify(data),
          ])
        ),
      );
    }
  } finally {
    client.destroy();
  }
}

/** Waits until `holds` does. @throws {Error} After `timeoutMs`. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  { timeoutMs = 30_000, what = "what was expected" } = {},
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!await holds()) {
    if (performance.now() > end) {
      throw new Error(
        `Cannot go on: ${what} did not happen in ${timeoutMs} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** First occurrences per aggregate, in order. @throws {Error} If an event came before one that was published earlier. */
export function checkOrder(handled: readonly Handled[]): void {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  for (const { aggregateId, n, streamId } of handled) {
    if (seen.has(streamId)) continue;
    seen.add(streamId);
    const before = highest.get(aggregateId) ?? -1;
    if (n < before) {
      throw new Error(`Order is broken: ${aggregateId} ${n} after ${before}`);
    }
    highest.set(aggregateId, n);
  }
}
