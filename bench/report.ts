import {
  figureOf,
  type Measurement,
  type Result,
  type Suite,
} from "./measurement.ts";

/** The Markdown of one suite: a row per contender, and each target with what was reached. */
export function suiteReport(suite: Suite, results: readonly Result[]): string {
  const rows = results.map((result) => {
    const rates = result.rounds.map(({ rate }) => rate);
    const spread = `${count(Math.min(...rates))}–${count(Math.max(...rates))}`;
    return `| ${result.name} | ${
      count(figureOf(result, "rate"))
    } | ${spread} | ${
      [
        one(figureOf(result, "cpuMicros")),
        one(figureOf(result, "p50Ms")),
        one(figureOf(result, "p99Ms")),
        count(figureOf(result, "lost")),
      ].join(" | ")
    } |`;
  });
  return [
    `## ${suite.name}`,
    "",
    suite.question,
    "",
    `| contender | ${suite.unit}/s | lowest–highest | CPU µs | p50 ms | p99 ms | lost |`,
    "|---|---:|---:|---:|---:|---:|---:|",
    ...rows,
    "",
    ...suite.targets.map((target) => targetLine(target, results)),
    "",
  ].join("\n");
}

const FIGURES: Readonly<Record<keyof Measurement, string>> = {
  rate: "rate",
  cpuMicros: "CPU per operation in µs",
  p50Ms: "p50 in ms",
  p99Ms: "p99 in ms",
  lost: "requests lost",
};

function targetLine(
  { of, against, figure, atLeast, atMost }: Suite["targets"][number],
  results: readonly Result[],
): string {
  const value = (name: string) => {
    const result = results.find((result) => result.name === name);
    if (result === undefined) return NaN;
    return figureOf(result, figure) ?? NaN;
  };
  const isDifference = figure === "cpuMicros" && against !== undefined;
  const reached = against === undefined
    ? value(of)
    : isDifference
    ? value(of) - value(against)
    : value(of) / value(against);
  const bound = atLeast === undefined
    ? `at most ${atMost}`
    : `at least ${atLeast}`;
  const holds = reached >= (atLeast ?? -Infinity) &&
    reached <= (atMost ?? Infinity);
  const what = against === undefined
    ? of
    : isDifference
    ? `${of} over ${against}`
    : `${of} / ${against}`;
  return `- ${holds ? "reached" : "**missed**"}: ${what}, ${FIGURES[figure]}: ${
    reached.toFixed(2)
  } (asked: ${bound})`;
}

const count = (value: number | undefined) =>
  value === undefined ? "–" : Math.round(value).toLocaleString("en-US");
const one = (value: number | undefined) =>
  value === undefined ? "–" : value.toFixed(value < 10 ? 2 : 1);
