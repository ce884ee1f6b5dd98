import process from "node:process";
import type { Measurement } from "../measurement.ts";

/** What a program measured by itself: operations, and the time they took. */
export interface Work {
  readonly operations: number;
  readonly latenciesMs?: readonly number[];
}

/**
 * Runs `work` once for every line on standard input and answers each with a
 * line of JSON, so that whoever started this program decides when it is its
 * turn. `prepare` is done before each, unmeasured. Returns at the end of input.
 */
export async function answerRounds(
  work: () => Promise<Work>,
  prepare?: () => Promise<void>,
): Promise<void> {
  console.log("ready");
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream());
  for await (const _ of lines) {
    await prepare?.();
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const { operations, latenciesMs } = await work();
    const elapsedMs = performance.now() - startedMs;
    const cpu = process.cpuUsage(cpuBefore);
    const sorted = latenciesMs?.toSorted((a, b) => a - b);
    const at = (share: number) =>
      sorted?.[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    const p50Ms = at(0.5);
    const p99Ms = at(0.99);
    const measurement: Measurement & { readonly operations: number } = {
      operations,
      rate: operations / elapsedMs * 1000,
      cpuMicros: (cpu.user + cpu.system) / operations,
      ...(p50Ms === undefined ? {} : { p50Ms }),
      ...(p99Ms === undefined ? {} : { p99Ms }),
    };
    console.log(JSON.stringify(measurement));
  }
}

/** Keeps `width` calls of `operation` in flight until `total` are done. */
export async function inFlight(
  total: number,
  width: number,
  operation: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const latenciesMs: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < total) {
      const index = next++;
      const startedMs = performance.now();
      await operation(index);
      latenciesMs.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return latenciesMs;
}
