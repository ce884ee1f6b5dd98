const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Ctrl-C and SIGTERM as an abort, until it is disposed. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Listens for them, so that a command cleans up behind it.
 *
 * @param reason What the signal aborts with; default an `AbortError`.
 */
export function onInterruption(reason?: () => Error): Interruption {
  const stopping = new AbortController();
  const stop = () => stopping.abort(reason?.());
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  return {
    signal: stopping.signal,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
    },
  };
}
