import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** The metric families of a service that its alert rules ask for. */
export function metricsOfRules(
  service: "events" | "identity" | "meshhook" = "events",
): readonly string[] {
  const rules = new URL(
    `../deployments/observability/${service}-prometheus-rule.yaml`,
    import.meta.url,
  );
  const { spec } = parse(readFileSync(rules, "utf8")) as {
    spec: { groups: { rules: { expr: string }[] }[] };
  };
  const names = spec.groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ expr }) => [
      ...expr.matchAll(
        /\b(?:events|redis|http|health|event_loop|circuit|token|database|memory|background|backup)_[a-z_]+/g,
      ),
    ])
    .map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""));
  return [...new Set(names)].toSorted();
}
