/** How processes tell each other that there is something to do. */
export interface WakeFeed {
  /** Soon, once for all that is told within some milliseconds. Never fails: workers look by themselves, too. */
  tell(): void;
  /** Calls back for each telling, and when some may have been missed, until `signal` aborts. */
  follow(onWake: () => void, signal: AbortSignal): Promise<void>;
}
