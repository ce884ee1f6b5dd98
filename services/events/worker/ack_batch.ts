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

const MAX_BATCH = 1_000;
const MAX_DELAY_MS = 5;
const RETRY_MS = 250;

/**
 * Acknowledges in batches: 1,000 at once, or what has come together in 5 ms,
 * or while the batch before was on its way.
 *
 * What could not be sent is kept and sent again until it is confirmed:
 * acknowledging twice does no harm, forgetting would handle an event twice.
 */
export class AckBatch {
  readonly #options: AckBatchOptions;
  #waiting: HeldEntry[] = [];
  #sending: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #failing = false;
  #stopped = false;

  constructor(options: AckBatchOptions) {
    this.#options = options;
  }

  add(entry: HeldEntry): void {
    this.#waiting.push(entry);
    if (this.#failing || this.#sending) return;
    if (this.#waiting.length >= MAX_BATCH) void this.#send();
    else this.#schedule(MAX_DELAY_MS);
  }

  /** Sends what waits, and resolves once nothing does or sending has failed. */
  async flush(): Promise<void> {
    await this.#sending;
    while (this.#waiting.length > 0) {
      await this.#send();
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

  async #send(): Promise<void> {
    if (this.#sending) return await this.#sending;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sending = this.#sendOne();
    await this.#sending;
    this.#sending = undefined;
    if (this.#waiting.length > 0) {
      this.#schedule(this.#failing ? RETRY_MS : 0);
    }
  }

  async #sendOne(): Promise<void> {
    const batch = this.#waiting.slice(0, MAX_BATCH);
    if (batch.length === 0) return;
    this.#waiting = this.#waiting.slice(MAX_BATCH);
    try {
      await this.#options.send(batch);
      this.#failing = false;
      this.#options.acknowledged(batch);
    } catch (error) {
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
