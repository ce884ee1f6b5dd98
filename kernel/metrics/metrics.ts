/** Label values by label name. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** What every metric states about itself. */
export interface MetricOptions<Name extends string> {
  /** Prometheus name: `snake_case`, base unit as suffix, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Name[];
  /**
   * Series kept before further label sets are counted under one overflow
   * series (every label `"overflow"`). Default 1,000.
   */
  readonly maxSeries?: number;
}

/** What a histogram adds. */
export interface HistogramOptions<Name extends string>
  extends MetricOptions<Name> {
  /** Upper bounds, rising, in the unit of the name. */
  readonly buckets?: readonly number[];
}

/** A count that only rises. */
export interface Counter<Name extends string> {
  /** Adds `by` (default 1; negative throws `RangeError`). */
  add(labels: Labels<Name>, by?: number): void;
  /** The same for one label set, bound once: the fast path. */
  bind(labels: Labels<Name>): { add(by?: number): void };
}

/** A value that rises and falls. */
export interface Gauge<Name extends string> {
  set(labels: Labels<Name>, value: number): void;
  /** Drops one series: what is gone shows no stale value. */
  remove(labels: Labels<Name>): void;
}

/** A distribution. */
export interface Histogram<Name extends string> {
  observe(labels: Labels<Name>, value: number): void;
  bind(labels: Labels<Name>): { observe(value: number): void };
}

/**
 * One service's metrics: what modules add to and `GET /metrics` shows.
 *
 * Asking twice for the same name with the same labels gives the same metric;
 * with another kind or other labels it throws `TypeError`.
 */
export interface Metrics {
  counter<Name extends string = never>(
    options: MetricOptions<Name>,
  ): Counter<Name>;
  gauge<Name extends string = never>(options: MetricOptions<Name>): Gauge<Name>;
  histogram<Name extends string = never>(
    options: HistogramOptions<Name>,
  ): Histogram<Name>;
  /** Called before each scrape, for gauges whose value is read on demand. Returns its removal. */
  onScrape(collect: () => void | Promise<void>): () => void;
  /** The exposition and its content type, in the format that `accept` asks for. */
  expose(
    accept?: string | null,
  ): Promise<{ body: string; contentType: string }>;
}
