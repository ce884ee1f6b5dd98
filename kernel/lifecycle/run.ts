import { errorsTotal } from "../metrics/create_metrics.ts";
import { type Clock, systemClock } from "./clock.ts";
import { denoHost, type Host } from "./host.ts";
import type { Service } from "./service.ts";
import { ServiceRun } from "./service_run.ts";

/** What tests put in the place of the machine. */
export interface RunOptions {
  readonly clock?: Clock;
  readonly host?: Host;
}

/** 128 and the signal's number, as a shell reports it. */
const SIGNAL_EXIT_CODES: Readonly<Record<string, number>> = {
  SIGINT: 130,
  SIGTERM: 143,
};

/**
 * For this long after the first, the same signal is its echo: of one Ctrl-C the
 * terminal tells every process of its group, and `deno task` or npm passes on
 * what it was told. Echoes came within 2 ms.
 */
const ECHO_MS = 200;

/**
 * Runs services until all of them have ended, and takes them down in order.
 *
 * SIGTERM or SIGINT ends them all; a second signal ends the process at once
 * (exit code 143 or 130), unless it is the same within 200 ms: a launcher passed
 * on what the terminal had sent already. `shutdown()` of a served service ends that one alone.
 * A start that fails, or an error that nobody caught, ends them all, in the
 * same order, with exit code 1. Signal and error handlers are gone afterwards.
 *
 * A process is gone no later than drain delay + longest request in hand + 100
 * ms after the signal; and, whatever hangs, no later than drain delay + shutdown
 * timeout + 0.5 s, and 50 ms more for each further part that hangs then too.
 *
 * @returns The exit code: 0, or 1 when a start failed, something threw or the
 *   deadline cut something off. Never rejects.
 *
 * @example A service that ends itself
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { createKernel, run } from "@mainstay/kernel/lifecycle";
 *
 * const seen: string[] = [];
 * const kernel = createKernel({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   logging: { level: "INFO", format: "json", write: () => {} },
 * });
 * const part = (name: string) => ({
 *   name,
 *   start: () => void seen.push(`+${name}`),
 *   stop: () => void seen.push(`-${name}`),
 * });
 *
 * const code = await run([{
 *   kernel,
 *   modules: [{ name: "store", setup: () => ({ parts: [part("db")] }) }],
 *   listeners: {
 *     public: ({ shutdown }) => ({
 *       ...part("http"),
 *       start: () => shutdown("seen enough"),
 *     }),
 *   },
 *   shutdown: { drainDelayMs: 0, shutdownTimeoutMs: 1000 },
 * }]);
 *
 * assertEquals(seen, ["+db", "-http", "-db"]);
 * assertEquals(code, 0);
 * ```
 */
export async function run(
  services: readonly Service[],
  { clock = systemClock, host = denoHost }: RunOptions = {},
): Promise<0 | 1> {
  const runs = services.map((service) => new ServiceRun(service, clock));
  const endAll = (reason: string, failed = false) => {
    for (const run of runs) run.shutdown(reason, { failed });
  };
  // The process is one, its services several: the first speaks for it.
  const kernel = services[0]?.kernel;
  const log = kernel?.log.child("process");

  let first: { readonly signal: string; readonly atMs: number } | undefined;
  const removeSignals = host.onSignal((signal) => {
    const atMs = clock.elapsed();
    if (first === undefined) {
      first = { signal, atMs };
      return endAll(signal);
    }
    if (signal === first.signal && atMs - first.atMs < ECHO_MS) return;
    log?.error(`Exiting at once: ${signal} came again`, { signal });
    host.exit(SIGNAL_EXIT_CODES[signal] ?? 1);
  });
  const removeFaults = host.onFault(({ kind, error }) => {
    log?.error(`Unhandled ${kind}`, { error });
    if (kernel) errorsTotal(kernel.metrics).add({ type: "unhandled" });
    endAll(`unhandled ${kind}`, true);
  });
  try {
    const codes = await Promise.all(runs.map((run, index) => {
      const name = services[index]?.kernel.identity.name;
      return run.run(() => endAll(`${name} failed to start`));
    }));
    return codes.includes(1) ? 1 : 0;
  } finally {
    removeSignals();
    removeFaults();
  }
}
