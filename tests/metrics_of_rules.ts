import { readFileSync } from "node:fs";
import { parse } from "yaml";

const RULES = new URL(
  "../deployments/observability/events-prometheus-rule.yaml",
  import.meta.url,
);

/** The metric families of the service that the alert rules ask for. */
export function metricsOfRules(): readonly string[] {
  const { spec } = parse(readFileSync(RULES, "utf8")) as {
    spec: { groups: { rules: { expr: string }[] }[] };
  };
  const names = spec.groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ expr }) => [
      ...expr.matchAll(
        /\b(?:events|redis|http|health|event_loop|circuit)_[a-z_]+/g,
      ),
    ])
    .map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""));
  return [...new Set(names)].toSorted();
}
