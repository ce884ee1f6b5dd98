import type { Clock } from "@mainstay/kernel/lifecycle";
import { type Logger, withLogFields } from "@mainstay/kernel/logging";
import type { StoredEvent } from "../domain/event.ts";
import type { EventHandler, HandlerContext } from "../domain/handler.ts";
import { traceOf } from "../domain/trace_context.ts";
import type { Agenda, Appointment } from "./agenda.ts";

/** What became of an attempt. */
export type Outcome =
  | { readonly kind: "done" }
  /** The handler threw, or ended after its time. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** The data does not fit the handler's schema. */
  | { readonly kind: "invalid"; readonly error: unknown }
  /** The handler had not ended long after its signal aborted; it may run still. */
  | { readonly kind: "abandoned"; readonly error: unknown };

const DONE: Outcome = { kind: "done" };
const DEFAULT_TIMEOUT_MS = 30_000;

/** How long a handler whose signal has aborted may take to end. */
export const SETTLE_MS = 5_000;

/** What an {@link Attempt} works with. */
export interface AttemptOptions {
  readonly attempt: number;
  /** When it starts, by the clock's stopwatch. */
  readonly startedMs: number;
  readonly log: Logger;
  readonly agenda: Agenda;
  readonly clock: Clock;
}

/**
 * One run of a handler with one event.
 *
 * It finishes when the handler has ended, so that a lane never has two handlers
 * at once; or {@link SETTLE_MS} after its signal aborted, because a handler
 * that never ends must not stop its aggregate for ever.
 */
export class Attempt implements HandlerContext, Appointment {
  /** Its deadline; once that has passed, the end of its grace. */
  atMs: number;
  place = -1;
  readonly #options: AttemptOptions;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;
  #finish: ((outcome: Outcome) => void) | undefined;

  constructor(
    readonly handler: EventHandler,
    readonly event: StoredEvent,
    options: AttemptOptions,
  ) {
    this.#options = options;
    this.atMs = options.startedMs + this.#timeoutMs;
  }

  get attempt(): number {
    return this.#options.attempt;
  }

  get log(): Logger {
    return this.#options.log;
  }

  get correlationId(): string {
    return this.event.headers["correlation-id"] ??
      `evt_${this.event.streamId}`;
  }

  /** Made when first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** Calls `finish` once; before it returns if the handler is synchronous. */
  run(finish: (outcome: Outcome) => void): void {
    const { schema } = this.handler.options;
    let event = this.event;
    if (schema) {
      try {
        event = { ...event, data: schema.parse(event.data) as never };
      } catch (error) {
        return finish({ kind: "invalid", error });
      }
    }
    this.#finish = finish;
    this.#options.agenda.add(this);
    const { traceparent } = event.headers;
    const { correlationId } = this;
    const fields = traceparent === undefined
      ? { correlationId }
      : { correlationId, ...traceOf(traceparent) };
    try {
      const result = withLogFields(
        fields,
        () => this.handler.handle(event as never, this),
      );
      if (!isThenable(result)) return this.#ended();
      result.then(
        () => this.#ended(),
        (error) => this.#end({ kind: "failed", error }),
      );
    } catch (error) {
      this.#end({ kind: "failed", error });
    }
  }

  /** Asks the handler to end; what it returns from now on is a failure. */
  abort(reason: string): void {
    if (this.#aborted || !this.#finish) return;
    const { agenda, clock } = this.#options;
    this.#aborted = new Error(`Cannot go on handling the event: ${reason}`);
    agenda.cancel(this);
    this.atMs = clock.elapsed() + SETTLE_MS;
    agenda.add(this);
    this.#controller?.abort(this.#aborted);
  }

  ring(): void {
    if (this.#aborted) this.#end({ kind: "abandoned", error: this.#aborted });
    else this.abort(`it took longer than ${this.#timeoutMs} ms`);
  }

  get #timeoutMs(): number {
    return this.handler.options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  #ended(): void {
    this.#end(
      this.#aborted ? { kind: "failed", error: this.#aborted } : DONE,
    );
  }

  #end(outcome: Outcome): void {
    const finish = this.#finish;
    if (!finish) return;
    this.#finish = undefined;
    this.#options.agenda.cancel(this);
    finish(outcome);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
