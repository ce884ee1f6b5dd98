import type { EventData } from "./event.ts";
import {
  isEventPattern,
  matchesPattern,
  patternSpecificity,
} from "./event_pattern.ts";
import type { EventHandler, HandleEvent, HandlerOptions } from "./handler.ts";

/**
 * Declares the handler of an event type or pattern: `on("order.*", handle)`.
 *
 * At-least-once: a handler sees an event again after a crash, so what it does
 * must bear repetition. It should end soon after its signal aborts; what it
 * returns afterwards counts as a failure.
 *
 * @throws {TypeError} For a pattern that no event type can fit.
 * @throws {RangeError} For attempts or time below 1.
 */
export function on<Data = EventData>(
  pattern: string,
  handle: HandleEvent<Data>,
  options: HandlerOptions<Data> = {},
): EventHandler {
  if (!isEventPattern(pattern)) {
    throw new TypeError(
      `Cannot register a handler for "${pattern}": expected 1 to 255 characters of A-Z a-z 0-9 . _ : - *`,
    );
  }
  const { maxAttempts = 1, timeoutMs = 1 } = options;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(
      `Cannot register a handler for "${pattern}": maxAttempts is ${maxAttempts}`,
    );
  }
  if (!(timeoutMs >= 1)) {
    throw new RangeError(
      `Cannot register a handler for "${pattern}": timeoutMs is ${timeoutMs}`,
    );
  }
  return { pattern, handle, options };
}

/** Finds the handler of an event type. */
export interface HandlerRegistry {
  /** The one handler that is for `type`; undefined if none is. */
  find(type: string): EventHandler | undefined;
}

/** Types remembered before they are looked for anew: publishers choose them. */
const MAX_REMEMBERED = 1_000;

/**
 * Chooses one handler per event type: the exact type before any pattern, the
 * pattern that fixes more characters before one that fixes fewer, the first
 * registered among equals. One, because an event is acknowledged or retried as
 * a whole; independent reactions belong in groups of their own.
 *
 * @throws {TypeError} If two handlers have the same pattern.
 */
export function createHandlerRegistry(
  handlers: readonly EventHandler[],
): HandlerRegistry {
  const patterns = new Set<string>();
  for (const { pattern } of handlers) {
    if (patterns.has(pattern)) {
      throw new TypeError(
        `Cannot register a second handler for "${pattern}": one event has one handler`,
      );
    }
    patterns.add(pattern);
  }
  const bySpecificity = handlers.toSorted((a, b) => {
    const [left, right] = [a, b].map((handler) =>
      patternSpecificity(handler.pattern)
    );
    return left === right ? 0 : (right ?? 0) > (left ?? 0) ? 1 : -1;
  });
  const found = new Map<string, EventHandler | undefined>();
  return {
    find(type) {
      if (found.has(type)) return found.get(type);
      const handler = bySpecificity.find(({ pattern }) =>
        matchesPattern(pattern, type)
      );
      if (found.size >= MAX_REMEMBERED) found.clear();
      found.set(type, handler);
      return handler;
    },
  };
}
