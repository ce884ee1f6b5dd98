import type { Logger } from "@mainstay/kernel/logging";
import type { LaneItem, Lanes } from "../domain/lanes.ts";

/** What a {@link RoomGate} goes by. */
export interface RoomGateOptions {
  readonly prefetch: number;
  readonly maxParked: number;
  readonly lanes: Pick<Lanes<LaneItem>, "active" | "parked">;
  readonly log: Logger;
  /** How many read at the same time. */
  readers(): number;
  /** Entries that are handled while their acknowledgement is not confirmed. */
  unacknowledged(): number;
}

/**
 * More at once would keep Redis, and this process, from others for too long,
 * and what waits to be handled is copied by each garbage collection.
 */
const MAX_COUNT = 250;

/** A server that hands out faster than it takes back does not fill the memory. */
const MAX_UNACKNOWLEDGED = 5_000;

/**
 * Lets readers read while there is room in hand: up to `prefetch` entries that
 * can run, while fewer than `maxParked` wait for retries, and while Redis keeps
 * up with the acknowledgements.
 */
export class RoomGate {
  readonly #options: RoomGateOptions;
  readonly #waiting = new Set<() => void>();
  #blocked = false;

  constructor(options: RoomGateOptions) {
    this.#options = options;
  }

  /** Resolves with how many entries to read, or with 1 once `signal` aborts. */
  async enter(signal: AbortSignal): Promise<number> {
    if (!this.#isOpen()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const enter = () => resolve();
      this.#waiting.add(enter);
      signal.addEventListener("abort", enter);
      if (!signal.aborted) await promise;
      signal.removeEventListener("abort", enter);
      this.#waiting.delete(enter);
    }
    return Math.max(1, Math.min(MAX_COUNT, Math.ceil(this.spare() / 3)));
  }

  /** How many more entries one reader may take in hand. */
  spare(): number {
    const { prefetch, lanes, readers } = this.#options;
    return Math.ceil((prefetch - lanes.active) / Math.max(1, readers()));
  }

  /** Something has changed in the lanes, or was acknowledged. */
  look(): void {
    if (this.#waiting.size === 0 || !this.#isOpen()) return;
    for (const enter of this.#waiting) enter();
  }

  /** Half empty, so that reads come in batches. */
  #isOpen(): boolean {
    const { prefetch, maxParked, lanes, log, unacknowledged } = this.#options;
    const blocked = lanes.parked >= maxParked;
    if (blocked && !this.#blocked) {
      log.warn("Reading has stopped: too many events wait for retries", {
        parked: lanes.parked,
        maxParked,
      });
    } else if (!blocked && this.#blocked) {
      log.info("Reading goes on: fewer events wait for retries");
    }
    this.#blocked = blocked;
    return !blocked && lanes.active * 2 <= prefetch &&
      unacknowledged() < MAX_UNACKNOWLEDGED;
  }
}
