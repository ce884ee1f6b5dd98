import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { HealthCheck } from "@mainstay/kernel/health";
import { parseWorkflow } from "../domain/check_workflow.ts";
import {
  checkName,
  HEALTH_PARTS,
  type HealthPart,
} from "../domain/health_part.ts";
import type { HealthProbes } from "../domain/health_probes.ts";
import {
  judgeDatabase,
  judgeWorkers,
  MAX_WAIT_MS,
} from "../domain/judge_health.ts";
import type { RunEvent } from "../domain/run_event.ts";
import { proveIntake } from "./prove_intake.ts";

/** What the parts of MeshHook are asked through. */
export interface HealthChecksOptions {
  readonly probes: HealthProbes;
  /** Goes the whole way of live logs; an abort of its signal ends it. */
  readonly liveLogs: (signal: AbortSignal) => Promise<void>;
  /** Asks the Realtime that `SUPABASE_URL` names. Default: live logs. */
  readonly supabase?: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly encryption: KeyEncryption;
  readonly now: () => number;
  /** Parts whose failure makes all of it unhealthy. */
  readonly critical: readonly HealthPart[];
}

/** Of the checks that `GET /health` tells of. */
export const HEALTH_GROUP = "health";

/**
 * One miss degrades, two are unhealthy, and so is what nobody has seen for 3 s.
 * The second look follows the first miss soon: not at once, for what stalls for
 * a moment.
 */
const TIMES = {
  timeoutMs: 150,
  intervalMs: 1_000,
  suspectIntervalMs: 250,
  downIntervalMs: 1_000,
  failureThreshold: 2,
  maxAgeMs: 3_000,
};

const PROBE_EVENT: RunEvent = {
  type: "run.succeeded",
  output: { probe: true },
};
const OWN = "probe.own";
const FOREIGN = "probe.foreign";

/**
 * A check of each part. Readiness looks at the database alone: the others do
 * not get better by sending callers elsewhere.
 */
export function healthChecks(
  { probes, liveLogs, supabase = liveLogs, ...options }: HealthChecksOptions,
): readonly HealthCheck[] {
  const checks: Readonly<Record<HealthPart, HealthCheck["check"]>> = {
    async database(signal) {
      judgeDatabase(await probes.database(signal));
    },
    supabase,
    async workers() {
      const report = await probes.workers(MAX_WAIT_MS);
      judgeWorkers(report);
      return { beatAgesMs: report.beatAgesMs };
    },
    webhooks: () => proveIntake({ ...options, hooks: probes.hooks }),
    async builder() {
      parseWorkflow(await probes.storedDefinition(parseWorkflow(PROBE_FLOW)));
    },
    async eventStore() {
      const read = await probes.appendAndRead(PROBE_EVENT);
      if (JSON.stringify(read) !== JSON.stringify([PROBE_EVENT])) {
        throw new Error("What was appended is not what is read");
      }
    },
    liveLogs,
    async tenancy() {
      const seen = await probes.visibleTo(OWN, [FOREIGN]);
      if (seen.length !== 1 || seen[0] !== OWN) {
        throw new Error("A project sees another's row, or not its own");
      }
    },
  };
  return HEALTH_PARTS.map((part) => ({
    ...TIMES,
    name: checkName(part),
    critical: options.critical.includes(part),
    groups: part === "database" ? [HEALTH_GROUP, "ready"] : [HEALTH_GROUP],
    check: checks[part],
  }));
}

/** Checked where nobody has stored a workflow yet. */
const PROBE_FLOW = {
  nodes: [
    { id: "hook", type: "webhook" },
    { id: "shape", type: "transform", expression: "trigger.body" },
  ],
  edges: [{ from: "hook", to: "shape" }],
};
