/**
 * A consumer as a process of its own, for tests that kill and freeze it. What
 * it handled it appends to a file, one line an event.
 */
import { createRedis } from "@mainstay/adapters/redis";
import { createKernel, run, type Service } from "@mainstay/kernel/lifecycle";
import { on } from "../../domain/handler_registry.ts";
import {
  RedisConsumerGroup,
  redisReplicas,
} from "../../storage/redis_consumer_group.ts";
import { streamKeys } from "../../storage/stream_keys.ts";
import { type ConsumerOptions, createConsumer } from "../create_consumer.ts";

/** What a test tells the process. */
export interface ConsumerProgramOptions {
  readonly name: string;
  readonly redisPort: number;
  readonly stream: string;
  readonly shards: number;
  readonly group: string;
  /** Where handled events are appended. */
  readonly file: string;
  readonly maxAttempts?: number;
  readonly options: ConsumerOptions;
}

/** What an event asks of the handler. */
export interface Task {
  readonly n: number;
  readonly act?: "exit" | "fail" | "slow";
  readonly ms?: number;
}

async function main(given: ConsumerProgramOptions): Promise<void> {
  const { name, stream, shards, group, file } = given;
  const kernel = createKernel({
    identity: { name, version: "0.0.0", environment: "test" },
    logging: { level: "WARN", format: "text", timezone: "UTC" },
  });
  const { log, metrics } = kernel;
  const redis = createRedis({
    redisHost: "127.0.0.1",
    redisPort: given.redisPort,
    redisTls: false,
    connectionTimeoutMs: 2_000,
    maxRetryAttempts: 10,
    retryDelaysMs: [200],
  }, { log, metrics, name });
  const consumer = () => `${name}-${Deno.pid}`;
  const keys = streamKeys(stream, shards);
  const output = await Deno.open(file, { append: true, create: true });
  const encoder = new TextEncoder();
  const handler = on<Task & Record<string, unknown>>(
    "*",
    async ({ aggregateId, data, streamId }, { attempt, signal }) => {
      const write = (what: string) => {
        const line =
          `${what} ${aggregateId} ${data.n} ${streamId} ${attempt} ${name}\n`;
        output.writeSync(encoder.encode(line));
      };
      if (data.act === "slow") {
        write("began");
        await pause(data.ms ?? 0, signal);
      }
      if (data.act === "exit") {
        write("exit");
        Deno.exit(7);
      }
      if (data.act === "fail") {
        write("fail");
        throw new Error("It cannot be done");
      }
      write("done");
    },
    given.maxAttempts ? { maxAttempts: given.maxAttempts } : {},
  );
  const parts = {
    groups: keys.map((streamKey, shard) =>
      new RedisConsumerGroup(redis, { streamKey, shard, group, consumer })
    ),
    replicas: redisReplicas(redis, {
      streamKey: keys[0] ?? "",
      group,
      consumer,
    }),
    handlers: [handler],
    options: given.options,
    log,
    metrics,
  };
  const service: Service = {
    kernel,
    modules: [{
      name: "consumer",
      setup: () => ({
        parts: [{
          name: "redis",
          start: (signal) => redis.start(signal),
          stop: () => redis.stop(),
        }],
        background: [createConsumer(parts), {
          name: "say-ready",
          start: () => console.log("ready"),
        }],
      }),
    }],
    listeners: {},
    shutdown: { drainDelayMs: 0, shutdownTimeoutMs: 10_000 },
  };
  Deno.exit(await run([service]));
}

/** Resolves after `ms`; rejects when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? ""));
