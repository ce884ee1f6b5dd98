/**
 * Server-Sent Events (WHATWG HTML, section 9.2).
 *
 * @module
 */
import type { RequestContext } from "@mainstay/kernel/lifecycle";

/** One event of a stream. */
export interface StreamEvent {
  /** What `Last-Event-ID` will say when the client comes back. */
  readonly id?: string;
  /** Default `message`. */
  readonly event?: string;
  /** Text may have several lines. Without it only the position is told, which clients keep. */
  readonly data?: string;
}

/** When a stream says something by itself. */
export interface EventStreamOptions {
  /** A comment after this long without an event, so that nothing on the way thinks the stream dead. Default 15,000. */
  readonly heartbeatMs?: number;
  /** How long the client waits before it comes back. Default 2,000; at a drain, spread up to twice that. */
  readonly retryMs?: number;
}

const encoder = new TextEncoder();

/**
 * Answers with the events of `source`, as fast as the client reads them: the
 * source is asked for one event at a time, and only when the client has taken
 * the one before.
 *
 * The stream ends with a `retry:` hint when the service drains, and without one
 * when the source ends. When the client leaves, the source is told by the
 * context's signal and by `return()`; a source that waits must watch the signal.
 * Its route needs `timeoutMs: "none"`.
 *
 * @throws {TypeError} Into the stream, if an id or event name holds a line break.
 *
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { eventStream } from "@mainstay/adapters/http";
 *
 * async function* ticks() {
 *   yield { id: "1", data: "first\nsecond" };
 * }
 * const never = new AbortController().signal;
 * const response = eventStream(ticks(), { signal: never, draining: never });
 * match(await response.text(), /id: 1\ndata: first\ndata: second\n\n$/);
 * ```
 */
export function eventStream(
  source: AsyncIterable<StreamEvent>,
  context: Pick<RequestContext, "signal" | "draining">,
  options: EventStreamOptions = {},
): Response {
  const { heartbeatMs = 15_000, retryMs = 2000 } = options;
  const events = source[Symbol.asyncIterator]();
  const ended = new AbortController();
  let pending: Promise<IteratorResult<StreamEvent>> | undefined;
  let begun = false;

  /** The next event, or undefined when it is time for a heartbeat. */
  async function next() {
    pending ??= events.next();
    // The heartbeat leaves the pending event in place for the next pull.
    return await Promise.race([pending, silence(heartbeatMs, pending, ended)]);
  }

  function end(): void {
    ended.abort();
    context.draining.removeEventListener("abort", drain);
    context.signal.removeEventListener("abort", leave);
    // A pending next() may stay until the source sees the signal: not awaited.
    pending?.catch(() => {});
    void Promise.resolve(events.return?.()).catch(() => {});
  }

  let controller: ReadableStreamDefaultController<Uint8Array>;
  const drain = () => {
    if (ended.signal.aborted) return;
    // Spread, so that not all clients come back at the same moment.
    const laterMs = Math.round(retryMs * (1 + Math.random()));
    controller.enqueue(encoder.encode(`retry: ${laterMs}\n\n`));
    controller.close();
    end();
  };
  const leave = () => {
    if (ended.signal.aborted) return;
    controller.error(context.signal.reason);
    end();
  };

  const body = new ReadableStream<Uint8Array>({
    start(own) {
      controller = own;
      context.draining.addEventListener("abort", drain, { once: true });
      context.signal.addEventListener("abort", leave, { once: true });
      if (context.signal.aborted) leave();
      else if (context.draining.aborted) drain();
    },
    async pull() {
      if (!begun) {
        begun = true;
        // Sent at once, so that the client sees the stream open.
        return controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`));
      }
      try {
        const result = await next();
        if (ended.signal.aborted) return;
        if (result === undefined) {
          return controller.enqueue(encoder.encode(": \n\n"));
        }
        pending = undefined;
        if (result.done) {
          controller.close();
          return end();
        }
        controller.enqueue(encoder.encode(frameOf(result.value)));
      } catch (failure) {
        if (ended.signal.aborted) return;
        end();
        throw failure;
      }
    },
    cancel: end,
  }, { highWaterMark: 0 });

  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Otherwise nginx gathers events before it passes them on.
      "x-accel-buffering": "no",
    },
  });
}

/** Resolves to undefined after `milliseconds`, or when there is no more need to. */
function silence(
  milliseconds: number,
  other: Promise<unknown>,
  ended: AbortController,
): Promise<undefined> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      ended.signal.removeEventListener("abort", done);
      resolve(undefined);
    };
    const timer = setTimeout(done, milliseconds);
    ended.signal.addEventListener("abort", done, { once: true });
    other.then(done, done);
  });
}

function frameOf({ id, event, data }: StreamEvent): string {
  const head = field("id", id) + field("event", event);
  if (data === undefined) return `${head}\n`;
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${head}${lines.join("")}\n`;
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return "";
  if (/[\r\n\0]/.test(value)) {
    throw new TypeError(`Cannot send the event: its ${name} has a line break`);
  }
  return `${name}: ${value}\n`;
}
