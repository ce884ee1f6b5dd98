/** What one round of one contender gave. */
export interface Measurement {
  /** Operations per second. */
  readonly rate: number;
  /** CPU time of the measured process per operation, in microseconds. */
  readonly cpuMicros?: number;
  /** Latencies in milliseconds. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Requests on a kept-alive connection that ended without an answer. */
  readonly lost?: number;
}

/** Something that can be measured again and again. */
export interface Contender {
  readonly name: string;
  round(): Promise<Measurement>;
}

/** A figure to reach: `of` must be at least (or at most) so many times `against`. */
export interface Target {
  readonly of: string;
  readonly against?: string;
  readonly figure: keyof Measurement;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One question, its contenders, and what is hoped for. */
export interface Suite {
  readonly name: string;
  readonly question: string;
  /** What one operation is. */
  readonly unit: string;
  /** Starts what is needed; everything in `stack` ends with the suite. */
  open(stack: AsyncDisposableStack): Promise<readonly Contender[]>;
  readonly targets: readonly Target[];
}

/** All rounds of one contender. */
export interface Result {
  readonly name: string;
  readonly rounds: readonly Measurement[];
}

/** The middle value; the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1
    ? upper
    : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The median of one figure over all rounds; undefined if never measured. */
export function figureOf(
  result: Result,
  figure: keyof Measurement,
): number | undefined {
  const values = result.rounds.map((round) => round[figure])
    .filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

/**
 * Measures all contenders in turn, round after round, so that whatever else the
 * machine does falls on all of them. A first round warms up and is not counted.
 */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Result[]> {
  const results = contenders.map(({ name }) => ({
    name,
    rounds: [] as Measurement[],
  }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const measurement = await contender.round();
      if (round > 0) results[index]?.rounds.push(measurement);
    }
  }
  return results;
}
