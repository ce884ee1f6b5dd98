import { createFakeClock } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { createMetrics } from "@mainstay/kernel/metrics";
import type { StoredEvent } from "../../domain/event.ts";
import type { EventHandler, HandlerContext } from "../../domain/handler.ts";
import { on } from "../../domain/handler_registry.ts";
import {
  fixedReplicas,
  MemoryShard,
} from "../../tests/memory_consumer_group.ts";
import { type ConsumerOptions, createConsumer } from "../create_consumer.ts";

/** A signal that never aborts. */
export const RUNNING = new AbortController().signal;

/** A shard in memory with consumers on a clock that a test moves. */
export function stage(
  handlers: readonly EventHandler[],
  options: ConsumerOptions = {},
) {
  const clock = createFakeClock();
  const shard = new MemoryShard(clock.now);
  const lines: string[] = [];
  const write = (message: string) => void lines.push(message);
  const log: Logger = {
    error: write,
    warn: write,
    info: write,
    debug: write,
    trace: write,
    enabled: () => true,
    child: () => log,
  };
  const metrics = createMetrics({
    identity: { name: "test", version: "0.0.0", environment: "test" },
  });
  const start = (name: string, replicas = 1) => {
    const consumer = createConsumer({
      groups: [shard.group(name)],
      replicas: fixedReplicas(replicas),
      handlers,
      options: { backoff: { baseMs: 1_000, maxMs: 1_000 }, ...options },
      log,
      metrics,
      clock,
    });
    consumer.start?.(RUNNING);
    const end = async () => {
      const stopped = (async () => {
        await consumer.drain?.(RUNNING);
        await consumer.stop?.();
      })();
      await clock.advance(10_000);
      await stopped;
    };
    return { consumer, [Symbol.asyncDispose]: end };
  };
  return { clock, shard, lines, metrics, start };
}

/** A handler whose events end when the test says so. */
export function held(pattern = "*", options: EventHandler["options"] = {}) {
  const calls: Array<
    { event: StoredEvent; context: HandlerContext } & PromiseWithResolvers<void>
  > = [];
  const handler = on(pattern, (event, context) => {
    const call = { event, context, ...Promise.withResolvers<void>() };
    calls.push(call);
    return call.promise;
  }, options as never);
  return { calls, handler };
}

/** The `n` of each event's data. */
export const numbers = (
  calls: ReadonlyArray<{ readonly event: StoredEvent }>,
) => calls.map(({ event }) => event.data["n"]);
