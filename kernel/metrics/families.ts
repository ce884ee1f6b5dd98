import { currentLogFields } from "../logging/log_fields.ts";
import type {
  Counter,
  Gauge,
  Histogram,
  HistogramOptions,
  MetricOptions,
} from "./metrics.ts";
import { Series } from "./series.ts";

/** A sample as the exposition writes it. */
export interface Sample {
  /** The whole name where it is not the family's own. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: Exemplar | undefined;
}

/** A trace that stands for a bucket (OpenMetrics 1.0). */
export interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** One metric with all its series. */
export interface Family {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  samples(): Sample[];
}

type AnyLabels = Readonly<Record<string, string>>;

const MAX_SERIES = 1000;
/** From 1 ms, which a local answer takes, to 10 s: seconds. */
const DEFAULT_BUCKETS = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];

interface ValueCell {
  readonly labels: AnyLabels;
  value: number;
}

/** A count; shown as 0 from the start when it has no labels. */
export class CounterFamily implements Family, Counter<string> {
  readonly kind = "counter";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly #series: Series<ValueCell>;

  constructor(options: MetricOptions<string>) {
    ({ name: this.name, help: this.help, labels: this.labels = [] } = options);
    this.#series = new Series(
      this.labels,
      options.maxSeries ?? MAX_SERIES,
      (labels) => ({ labels, value: 0 }),
    );
    if (this.labels.length === 0) this.#series.at({});
  }

  add(labels: AnyLabels, by = 1): void {
    this.#add(this.#series.at(labels), by);
  }

  bind(labels: AnyLabels): { add(by?: number): void } {
    const cell = this.#series.at(labels);
    return { add: (by = 1) => this.#add(cell, by) };
  }

  samples(): Sample[] {
    return Array.from(this.#series.all(), ({ labels, value }) => ({
      labels,
      value,
    }));
  }

  #add(cell: ValueCell, by: number): void {
    if (!(by >= 0 && by < Infinity)) {
      throw new RangeError(`Cannot add ${by} to ${this.name}: it only rises`);
    }
    cell.value += by;
  }
}

/** A value; a series is shown once it has been set. */
export class GaugeFamily implements Family, Gauge<string> {
  readonly kind = "gauge";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly #series: Series<ValueCell>;

  constructor(options: MetricOptions<string>) {
    ({ name: this.name, help: this.help, labels: this.labels = [] } = options);
    this.#series = new Series(
      this.labels,
      options.maxSeries ?? MAX_SERIES,
      (labels) => ({ labels, value: 0 }),
    );
  }

  set(labels: AnyLabels, value: number): void {
    this.#series.at(labels).value = value;
  }

  remove(labels: AnyLabels): void {
    this.#series.remove(labels);
  }

  samples(): Sample[] {
    return Array.from(this.#series.all(), ({ labels, value }) => ({
      labels,
      value,
    }));
  }
}

interface HistogramCell {
  readonly labels: AnyLabels;
  /** Observations by bucket, not cumulated; the last is what lies above all bounds. */
  readonly counts: number[];
  readonly exemplars: Array<Exemplar | undefined>;
  sum: number;
}

/** A distribution; the trace of the running request becomes the bucket's exemplar. */
export class HistogramFamily implements Family, Histogram<string> {
  readonly kind = "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly #series: Series<HistogramCell>;

  constructor(options: HistogramOptions<string>) {
    ({ name: this.name, help: this.help, labels: this.labels = [] } = options);
    const buckets = options.buckets ?? DEFAULT_BUCKETS;
    const rising = buckets.every((bound, i) =>
      Number.isFinite(bound) && bound > (buckets[i - 1] ?? -Infinity)
    );
    if (buckets.length === 0 || !rising) {
      throw new RangeError(
        `Cannot create ${this.name}: its buckets are not rising numbers`,
      );
    }
    this.buckets = [...buckets];
    this.#series = new Series(
      this.labels,
      options.maxSeries ?? MAX_SERIES,
      (labels) => ({
        labels,
        counts: new Array(buckets.length + 1).fill(0),
        exemplars: new Array(buckets.length + 1).fill(undefined),
        sum: 0,
      }),
    );
    if (this.labels.length === 0) this.#series.at({});
  }

  observe(labels: AnyLabels, value: number): void {
    this.#observe(this.#series.at(labels), value);
  }

  bind(labels: AnyLabels): { observe(value: number): void } {
    const cell = this.#series.at(labels);
    return { observe: (value) => this.#observe(cell, value) };
  }

  samples(): Sample[] {
    return Array.from(this.#series.all()).flatMap((cell) => {
      let count = 0;
      const buckets = cell.counts.map((inBucket, i): Sample => ({
        metricName: `${this.name}_bucket`,
        labels: { ...cell.labels, le: bound(this.buckets[i]) },
        value: count += inBucket,
        exemplar: cell.exemplars[i],
      }));
      return [
        ...buckets,
        {
          metricName: `${this.name}_sum`,
          labels: cell.labels,
          value: cell.sum,
        },
        {
          metricName: `${this.name}_count`,
          labels: cell.labels,
          value: count,
        },
      ];
    });
  }

  #observe(cell: HistogramCell, value: number): void {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot observe ${value} in ${this.name}`);
    }
    const { buckets } = this;
    let i = 0;
    while (i < buckets.length && value > (buckets[i] as number)) i++;
    cell.counts[i] = (cell.counts[i] as number) + 1;
    cell.sum += value;
    const { traceId } = currentLogFields();
    if (traceId !== undefined && traceId.length <= 64) {
      const labelSet = { trace_id: traceId };
      cell.exemplars[i] = { labelSet, value, timestamp: Date.now() / 1000 };
    }
  }
}

/** OpenMetrics 1.0 wants bounds as floats: `1.0`, not `1`. */
function bound(value: number | undefined): string {
  if (value === undefined) return "+Inf";
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
