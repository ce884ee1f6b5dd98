/** The parts that `GET /health` tells of, in its order: each is a check of that name. */
export const HEALTH_PARTS = [
  "database",
  "supabase",
  "workers",
  "webhooks",
  "builder",
  "eventStore",
  "liveLogs",
  "tenancy",
] as const;
export type HealthPart = (typeof HEALTH_PARTS)[number];

/** Those that MeshHook is of no use without, unless it is said otherwise. */
export const CRITICAL_PARTS: readonly HealthPart[] = [
  "database",
  "supabase",
  "workers",
];

/** A part's name among the checks: `event-store`. */
export function checkName(part: HealthPart): string {
  return part.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
