import prometheus from "prom-client";
import type { Family } from "./families.ts";

/** Prometheus text 0.0.4 or OpenMetrics 1.0. */
export type ExpositionFormat = "text" | "openmetrics";

/** Writes families in either format. */
export interface Exposition {
  add(family: Family): void;
  write(
    format: ExpositionFormat,
  ): Promise<{ body: string; contentType: string }>;
}

/**
 * prom-client's writer, with a registry for each format and for one service.
 *
 * Its own metric classes hold no series here: they keep label sets under a
 * joined text, under which `{a: "1,b:2"}` and `{a: "1", b: "2"}` can be one,
 * and its registry renames counters for good when it writes OpenMetrics.
 */
export function createExposition(): Exposition {
  const text = new prometheus.Registry();
  const openmetrics = new prometheus.Registry<
    prometheus.OpenMetricsContentType
  >();
  openmetrics.setContentType(prometheus.openMetricsContentType);
  const registries = { text, openmetrics };
  return {
    add(family) {
      for (const registry of Object.values(registries)) {
        registry.registerMetric(asMetric(family));
      }
    },
    async write(format) {
      const registry = registries[format];
      return {
        body: await registry.metrics(),
        contentType: registry.contentType,
      };
    },
  };
}

/** What the registry asks of a metric. It shortens `name` itself where OpenMetrics wants it. */
function asMetric(family: Family): prometheus.Metric {
  const metric = {
    name: family.name,
    // The writer escapes no quotes in it, which OpenMetrics asks for.
    help: family.help.replaceAll('"', "'"),
    type: family.kind,
    get: () => ({ ...metric, values: family.samples() }),
  };
  return metric as unknown as prometheus.Metric;
}

/**
 * The format that an `Accept` header asks for: OpenMetrics when it is named and
 * not less wanted than text.
 */
export function chooseFormat(
  accept: string | null | undefined,
): ExpositionFormat {
  const wanted = { "application/openmetrics-text": 0, "text/plain": 0 };
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((p) => p.trim());
    const name = type.toLowerCase() as keyof typeof wanted;
    if (!Object.hasOwn(wanted, name)) continue;
    const q = parameters.find((p) => /^q=/i.test(p))?.slice(2);
    const weight = q === undefined ? 1 : Number(q) || 0;
    wanted[name] = Math.max(wanted[name], weight);
  }
  const open = wanted["application/openmetrics-text"];
  return open > 0 && open >= wanted["text/plain"] ? "openmetrics" : "text";
}
