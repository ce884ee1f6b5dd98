import { encodeFields } from "../logging/encode_fields.ts";
import type {
  CheckDetails,
  CheckSnapshot,
  HealthSnapshot,
} from "./health_check.ts";

/** `pass`, `warn` or `fail`, as draft-inadarei-api-health-check names them. */
export type HealthWord = "pass" | "warn" | "fail";

/** One check in a {@link HealthDocument}. What is optional is private. */
export interface CheckDocument {
  readonly status: HealthWord;
  /** The status as the kernel knows it. */
  readonly state: string;
  /** ISO 8601. */
  readonly time?: string;
  /** Of the last run, in `observedUnit`. */
  readonly observedValue?: number;
  readonly observedUnit?: "ms";
  readonly output?: string;
  readonly details?: CheckDetails;
}

/** A body of type `application/health+json` (draft-inadarei-api-health-check-06). */
export interface HealthDocument {
  readonly status: HealthWord;
  /** The group's status as the kernel knows it, or `draining`. */
  readonly state: string;
  readonly checks: Readonly<Record<string, readonly CheckDocument[]>>;
}

/**
 * Shapes a snapshot for machines.
 *
 * @param passed Whether the probe answers 200.
 * @param detailed Shows errors, latencies and details: to operators only.
 */
export function healthDocument(
  snapshot: HealthSnapshot,
  passed: boolean,
  detailed: boolean,
): HealthDocument {
  const { status, draining, checks } = snapshot;
  return {
    status: !passed ? "fail" : status === "degraded" ? "warn" : "pass",
    state: draining && !passed ? "draining" : status,
    checks: Object.fromEntries(
      checks.map((check) => [check.name, [checkDocument(check, detailed)]]),
    ),
  };
}

const WORDS = {
  healthy: "pass",
  degraded: "warn",
  unhealthy: "fail",
  starting: "fail",
} as const;

function checkDocument(check: CheckSnapshot, detailed: boolean): CheckDocument {
  const { status, checkedAtMs, durationMs, error, details } = check;
  const document = {
    status: WORDS[status],
    state: status,
  };
  if (!detailed) return document;
  return {
    ...document,
    ...(checkedAtMs !== undefined &&
      { time: new Date(checkedAtMs).toISOString() }),
    ...(durationMs !== undefined && {
      observedValue: Math.round(durationMs * 1000) / 1000,
      observedUnit: "ms",
    }),
    ...(error !== undefined && { output: error }),
    ...(details !== undefined && { details: safeDetails(details) }),
  };
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Details come from anyone's check: masked, bounded, and safe to encode. */
function safeDetails(details: CheckDetails): CheckDetails {
  const members = encodeFields(details, { stacks: false, reserved: NO_NAMES });
  return JSON.parse(`{${members}}`);
}
