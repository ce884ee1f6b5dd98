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
export class InFlight<Under extends Exchange> {
  /** Each at its own `place`: an array costs a third of a Set here. */
  readonly #exchanges: Under[] = [];
  readonly #cut: (exchange: Under, reason: Error) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param cut Ends one of them. */
  constructor(cut: (exchange: Under, reason: Error) => void) {
    this.#cut = cut;
  }

  get size(): number {
    return this.#exchanges.length;
  }

  /** Whether the body of some request is still on its way. */
  get receiving(): boolean {
    return this.#exchanges.some(({ receiving }) => receiving);
  }

  add(exchange: Under): void {
    exchange.place = this.#exchanges.length;
    this.#exchanges.push(exchange);
    this.#timer ??= setInterval(() => this.#sweep(), RESOLUTION_MS);
  }

  /** The last one takes its place. */
  delete({ place }: Under): void {
    const last = this.#exchanges.pop();
    if (last === undefined || last.place === place) return;
    last.place = place;
    this.#exchanges[place] = last;
  }

  /** Ends every request with `reason`. */
  cut(reason: () => Error): void {
    for (const exchange of [...this.#exchanges]) {
      this.#cut(exchange, reason());
    }
  }

  /** Stops the timer; requests are left as they are. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    if (this.#exchanges.length === 0) return this.close();
    const nowMs = performance.now();
    for (const exchange of [...this.#exchanges]) {
      const reason = exchange.overdue(nowMs);
      if (reason !== undefined) this.#cut(exchange, reason);
    }
  }
}
