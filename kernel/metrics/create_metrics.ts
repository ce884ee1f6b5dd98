import type { ServiceIdentity } from "../lifecycle/module.ts";
import { chooseFormat, createExposition } from "./exposition.ts";
import {
  CounterFamily,
  type Family,
  GaugeFamily,
  HistogramFamily,
} from "./families.ts";
import type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  MetricOptions,
  Metrics,
} from "./metrics.ts";
import { addRuntimeMetrics } from "./runtime_metrics.ts";

/** What {@link createMetrics} is told. */
export interface MetricsSettings {
  readonly identity: ServiceIdentity;
  /** How long a scrape waits for collectors. Default 1,000. */
  readonly scrapeDeadlineMs?: number;
}

const SCRAPE_DEADLINE_MS = 1000;

/** `errors_total{type}`: what went wrong, by a small set of kinds. */
export function errorsTotal(metrics: Metrics): Counter<"type"> {
  return metrics.counter({
    name: "errors_total",
    help: "Errors, by type.",
    labels: ["type"],
  });
}

/**
 * Creates the metrics of one service, with `build_info`, `errors_total` and
 * the figures of its process and runtime.
 *
 * Series per metric are bounded, label values may be any text, and a scrape
 * always answers: a collector that throws or takes longer than a second is
 * left out, and counted in `errors_total{type="scrape"}`.
 *
 * @example A counter of one's own
 * ```ts
 * import { match } from "node:assert/strict";
 * import { createMetrics } from "@mainstay/kernel/metrics";
 *
 * const metrics = createMetrics({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 * });
 * const jobs = metrics.counter({
 *   name: "jobs_total",
 *   help: "Jobs done.",
 *   labels: ["kind"],
 * });
 * jobs.add({ kind: "import" });
 *
 * const { body } = await metrics.expose();
 * match(body, /^jobs_total\{kind="import"\} 1$/m);
 * ```
 */
export function createMetrics(
  { identity, scrapeDeadlineMs = SCRAPE_DEADLINE_MS }: MetricsSettings,
): Metrics {
  const families = new Map<string, Family>();
  const exposition = createExposition();
  const collectors = new Set<() => void | Promise<void>>();
  /** Collectors that have not come back from an earlier scrape: not called again until they have. */
  const busy = new Set<() => void | Promise<void>>();

  function family<F extends Family>(
    options: MetricOptions<string>,
    Kind: { new (options: never): F },
  ): F {
    const existing = families.get(options.name);
    if (existing === undefined) {
      validate(options, Kind);
      const created = new Kind(options as never);
      for (const name of sampleNames(created)) {
        const other = [...families.values()].find((f) =>
          sampleNames(f).includes(name)
        );
        if (other === undefined) continue;
        throw new TypeError(
          `Cannot create metric ${options.name}: ${other.name} has its names`,
        );
      }
      families.set(options.name, created);
      exposition.add(created);
      return created;
    }
    const labels = options.labels ?? [];
    const same = existing instanceof Kind &&
      existing.labels.length === labels.length &&
      existing.labels.every((label) => labels.includes(label));
    if (same) return existing;
    throw new TypeError(
      `Cannot create metric ${options.name}: it exists as a ${existing.kind} with labels [${
        existing.labels.join(", ")
      }]`,
    );
  }

  async function collect(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), scrapeDeadlineMs);
    });
    const run = async (collector: () => void | Promise<void>) => {
      if (busy.has(collector)) return errors.add({ type: "scrape" });
      busy.add(collector);
      const done = (async () => {
        try {
          await collector();
        } catch {
          errors.add({ type: "scrape" });
        } finally {
          busy.delete(collector);
        }
      })();
      if (await Promise.race([done, deadline]) === "late") {
        errors.add({ type: "scrape" });
      }
    };
    try {
      await Promise.all(Array.from(collectors, run));
    } finally {
      clearTimeout(timer);
    }
  }

  const metrics: Metrics = {
    counter: <Name extends string>(options: MetricOptions<Name>) =>
      family(options, CounterFamily) as Counter<Name>,
    gauge: <Name extends string>(options: MetricOptions<Name>) =>
      family(options, GaugeFamily) as Gauge<Name>,
    histogram: <Name extends string>(options: HistogramOptions<Name>) =>
      family(options, HistogramFamily) as Histogram<Name>,
    onScrape(collector) {
      // A function of its own, so that the same one given twice is removed once.
      const own = () => collector();
      collectors.add(own);
      return () => void collectors.delete(own);
    },
    async expose(accept) {
      await collect();
      return await exposition.write(chooseFormat(accept));
    },
  };
  const errors = errorsTotal(metrics);
  addRuntimeMetrics(metrics, identity);
  return metrics;
}

/** What a family occupies, in either format: `x` and `x_total` are one name in OpenMetrics. */
function sampleNames({ kind, name }: Family): string[] {
  if (kind === "counter") return [name, name.replace(/_total$/, "")];
  if (kind === "gauge") return [name];
  return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
}

/** The naming rules of Prometheus that `promtool check metrics` knows. */
function validate(
  { name, help, labels = [], maxSeries = 1 }: MetricOptions<string>,
  kind: unknown,
): void {
  const isCounter = kind === CounterFamily;
  const reserved = kind === HistogramFamily ? "le" : "";
  const wrong = !/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name)
    ? "its name is not snake_case"
    : isCounter !== name.endsWith("_total")
    ? "counters, and nothing else, end in _total"
    : /_(?:bucket|sum|count|created)$/.test(name)
    ? "its name has the suffix of a sample"
    : help.trim() === ""
    ? "it has no help text"
    : new Set(labels).size !== labels.length ||
        !labels.every((l) => /^[a-z][a-z0-9_]*$/.test(l) && l !== reserved)
    ? "its labels are not distinct snake_case names"
    : !(maxSeries >= 1)
    ? "maxSeries is less than 1"
    : undefined;
  if (wrong === undefined) return;
  throw new TypeError(`Cannot create metric ${name}: ${wrong}`);
}
