import { type Clock, sleep } from "@mainstay/kernel/lifecycle";

/** Does `work`, then again `intervalMs` after its end, until `signal` aborts. */
export async function repeat(
  intervalMs: number,
  options: { readonly signal: AbortSignal; readonly clock: Clock },
  work: () => Promise<void>,
): Promise<void> {
  while (!options.signal.aborted) {
    await work();
    await sleep(intervalMs, options).catch(() => {});
  }
}
