import type { Clock } from "@mainstay/kernel/lifecycle";
import { LeaseLost } from "../domain/consumer_group_errors.ts";
import type { HeldEntry } from "./held_entry.ts";

/** What an {@link AckBatch} works for. */
export interface AckBatchOptions {
  readonly clock: Clock;
  /** Acknowledges in the name of the shard's owner. */
  send(entries: readonly HeldEntry[]): Promise<void>;
  /** Told what has been confirmed. */
  acknowledged(entries: readonly HeldEntry[]): void;
  /** Told, once per outage, why acknowledgements have to wait. */
  delayed(error: unknown, waiting: number): void;
}

/** One script call's worth: Redis does nothing else meanwhile. */
const MAX_BATCH = 500;
/** Batches under way at once, so that Redis never waits for the next. */
const MAX_SENDING = 2;
const MAX_DELAY_MS = 5;
const RETRY_MS = 250;

/**
 * Acknowledges in batches: 500 at once, or what has come together in 5 ms, or
 * while other batches were on their way.
 *
 * What could not be sent is kept and sent again until it is confirmed:
 * acknowledging twice does no harm, forgetting would handle an event twice.
 */
export class AckBatch {
  readonly #options: AckBatchOptions;
  #waiting: HeldEntry[] = [];
  readonly #sending = new Set<Promise<void>>();
  #unconfirmed = 0;
  #cancelTimer: (() => void) | undefined;
  #failing = false;
  #stopped = false;

  constructor(options: AckBatchOptions) {
    this.#options = options;
  }

  /** Entries that wait or are on their way. */
  get size(): number {
    return this.#waiting.length + this.#unconfirmed;
  }

  add(entry: HeldEntry): void {
    this.#waiting.push(entry);
    if (this.#failing) return;
    if (this.#waiting.length >= MAX_BATCH) this.#sendFull();
    else if (this.#sending.size === 0) this.#schedule(MAX_DELAY_MS);
  }

  /** Acknowledges an entry by itself, and resolves once that is confirmed. */
  async confirm(entry: HeldEntry): Promise<void> {
    await this.#options.send([entry]);
    this.#options.acknowledged([entry]);
  }

  /** Sends what waits, and resolves once nothing does or sending has failed. */
  async flush(): Promise<void> {
    while (this.size > 0) {
      if (this.#sending.size === 0) void this.#send();
      await Promise.all(this.#sending);
      if (this.#failing) return;
    }
  }

  /** Forgets what waits: it is no longer this process's to acknowledge. */
  clear(): void {
    this.#waiting = [];
  }

  /** Ends its timers. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  #schedule(delayMs: number): void {
    if (this.#cancelTimer || this.#stopped) return;
    this.#cancelTimer = this.#options.clock.schedule(() => {
      this.#cancelTimer = undefined;
      void this.#send();
    }, delayMs);
  }

  /** Sends whole batches, as far as there may be more under way. */
  #sendFull(): void {
    while (
      this.#waiting.length >= MAX_BATCH && this.#sending.size < MAX_SENDING
    ) void this.#send();
  }

  async #send(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const sending = this.#sendOne();
    this.#sending.add(sending);
    await sending;
    this.#sending.delete(sending);
    if (this.#waiting.length === 0) return;
    if (this.#failing) this.#schedule(RETRY_MS);
    else if (this.#waiting.length >= MAX_BATCH) this.#sendFull();
    else if (this.#sending.size === 0) void this.#send();
  }

  async #sendOne(): Promise<void> {
    const batch = this.#waiting.splice(0, MAX_BATCH);
    this.#unconfirmed += batch.length;
    try {
      await this.#options.send(batch);
      this.#failing = false;
      this.#unconfirmed -= batch.length;
      this.#options.acknowledged(batch);
    } catch (error) {
      this.#unconfirmed -= batch.length;
      if (error instanceof LeaseLost) {
        this.#failing = false;
        return;
      }
      this.#waiting = [...batch, ...this.#waiting];
      if (!this.#failing) {
        this.#options.delayed(error, this.#waiting.length);
      }
      this.#failing = true;
    }
  }
}
