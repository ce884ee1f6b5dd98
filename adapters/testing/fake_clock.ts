/** Time that stands still until a test moves it. */
export interface FakeClock {
  /** Milliseconds, from {@link fakeClock}'s start. */
  now(): number;
  /** Resolves once the clock has moved by `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once the clock has moved by `delayMs`. Returns its cancellation. */
  after(delayMs: number, callback: () => void): () => void;
  /**
   * Moves the clock, running what falls due in order of its time, each with
   * what it set off; then resolves.
   */
  advance(ms: number): Promise<void>;
  /** How many sleeps and callbacks are waiting. */
  readonly waiting: number;
}

/**
 * A clock for code that is given one, in the shapes that the kernel and the
 * adapters ask for.
 *
 * @param startMs Default: 2025-06-28T23:40:00Z.
 */
export function fakeClock(
  startMs = Date.UTC(2025, 5, 28, 23, 40),
): FakeClock {
  let now = startMs;
  let timers: Array<{ readonly at: number; readonly run: () => void }> = [];
  const after = (delayMs: number, run: () => void) => {
    const timer = { at: now + Math.max(0, delayMs), run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  return {
    now: () => now,
    after,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = after(ms, done);
      signal?.addEventListener("abort", done, { once: true });
      return promise;
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      while (true) {
        // Stable: of two due at once, the one set first runs first.
        const next = timers.filter(({ at }) => at <= end)
          .toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = next.at;
        timers = timers.filter((timer) => timer !== next);
        next.run();
        await settle();
      }
      now = end;
    },
    get waiting() {
      return timers.length;
    },
  };
}

/** Lets promise reactions run: as many turns as chains of `await` are deep, with room to spare. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
