import type { Exchange } from "./exchange.ts";

/** How often the times of requests are looked at, in milliseconds. */
const RESOLUTION_MS = 50;

/**
 * The requests under way, and the one timer that ends those whose time is up:
 * a timer of its own would cost each request more than all its metrics.
 *
 * The timer runs only while there are requests, and a request may run up to 50
 * ms longer than its timeout.
 */
export class InFlight {
  readonly #exchanges = new Set<Exchange>();
  #timer: ReturnType<typeof setInterval> | undefined;

  get size(): number {
    return this.#exchanges.size;
  }

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    this.#timer ??= setInterval(() => this.#sweep(), RESOLUTION_MS);
  }

  delete(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
  }

  /** Ends every request with `reason`. */
  cut(reason: () => Error): void {
    for (const exchange of [...this.#exchanges]) exchange.cut(reason());
  }

  /** Stops the timer; requests are left as they are. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    if (this.#exchanges.size === 0) return this.close();
    const nowMs = performance.now();
    for (const exchange of [...this.#exchanges]) exchange.expire(nowMs);
  }
}
