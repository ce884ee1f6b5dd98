import { AsyncLocalStorage } from "node:async_hooks";

/** What every line of one request or one event says about it. */
export interface LineContext {
  readonly correlationId?: string;
  /** W3C trace id: 32 lower-case hex digits. */
  readonly traceId?: string;
  /** W3C span id: 16 lower-case hex digits. */
  readonly spanId?: string;
}

const storage = new AsyncLocalStorage<LineContext>();
const NOTHING: LineContext = Object.freeze({});

/**
 * Runs `fn` so that every line logged in it, also after an `await`, carries
 * `fields`.
 *
 * Nested calls add to what is there. Work that `fn` leaves running keeps the
 * fields; work that runs beside it never sees them.
 *
 * @returns What `fn` returns.
 *
 * @example A correlation ID that need not be passed around
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { currentLogFields, withLogFields } from "@mainstay/kernel/logging";
 *
 * const seen = await withLogFields({ correlationId: "req_1" }, async () => {
 *   await Promise.resolve();
 *   return currentLogFields().correlationId;
 * });
 *
 * assertEquals(seen, "req_1");
 * assertEquals(currentLogFields().correlationId, undefined);
 * ```
 */
export function withLogFields<T>(fields: LineContext, fn: () => T): T {
  const outer = storage.getStore();
  return storage.run(
    outer === undefined ? fields : { ...outer, ...fields },
    fn,
  );
}

/**
 * What {@link withLogFields} set around the running code; empty outside.
 *
 * @example Outside of any request
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { currentLogFields } from "@mainstay/kernel/logging";
 *
 * assertEquals(currentLogFields(), {});
 * ```
 */
export function currentLogFields(): LineContext {
  return storage.getStore() ?? NOTHING;
}
