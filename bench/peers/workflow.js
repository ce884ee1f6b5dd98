// The workload that every engine is given: bench/suites/meshhook_suite.ts has ours.
export const RUNS = 1000;
export const STEPS = 3;
/** Steps in hand, and runs that are begun, at once. */
export const CONCURRENCY = 64;
export const CONNECTIONS = 10;

/** Begins all runs and resolves once every one of them has ended. */
export async function runAll(begin, onEnd) {
  let left = RUNS;
  const all = new Promise((resolve) =>
    onEnd(() => {
      if (--left === 0) resolve();
    })
  );
  let next = 0;
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (next < RUNS) await begin(next++);
  }));
  await all;
}
