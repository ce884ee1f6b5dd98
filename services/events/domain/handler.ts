import type { Logger } from "@mainstay/kernel/logging";
import type { StoredEvent } from "./event.ts";

/** What a handler is given besides the event. */
export interface HandlerContext {
  /** Aborts when the service stops, or when the entry passes to another consumer. */
  readonly signal: AbortSignal;
  /** 1 for the first. */
  readonly attempt: number;
  readonly correlationId: string;
  readonly log: Logger;
}

/** Handles one event: resolves when it is done, throws to have it retried. */
export type HandleEvent<Data> = (
  event: StoredEvent & { readonly data: Data },
  context: HandlerContext,
) => Promise<void> | void;

/** Anything that parses data or throws: a zod schema, for one. */
export interface DataSchema<Data> {
  parse(data: unknown): Data;
}

/** How a handler is run. */
export interface HandlerOptions<Data> {
  /** Data that does not parse makes the event a dead letter at once. */
  readonly schema?: DataSchema<Data>;
  /** Attempts in all before the event is a dead letter. Default 5. */
  readonly maxAttempts?: number;
  /** `none`: events of one aggregate need not wait for each other. Default `aggregate`. */
  readonly order?: "aggregate" | "none";
  /** Time for one attempt. Default 30,000. */
  readonly timeoutMs?: number;
}

/** A handler and the event types that it is for. */
export interface EventHandler {
  readonly pattern: string;
  readonly handle: HandleEvent<never>;
  readonly options: HandlerOptions<unknown>;
}
