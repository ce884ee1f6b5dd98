/**
 * The wire schemas of MeshHook's API, besides that of a workflow.
 *
 * @module
 */
import { z } from "zod";

/** Bounds of what a project may send or ask for. */
export const MESHHOOK_LIMITS = { page: 200, secretBytes: 65_536 } as const;

/** Names of workflows, hooks, secrets and projects. */
export const MESHHOOK_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;

const name = z.string().regex(MESHHOOK_NAME, {
  error:
    "Expected 1 to 100 characters of a-z 0-9 . _ - that begin with a letter or digit",
});

/** A hook that is to be there. */
export const hookToPut = z.strictObject({
  workflow: name.describe("The workflow that its webhooks run"),
  signature: z.strictObject({
    scheme: z.enum(["standard", "github", "stripe"]).describe(
      "How its sender signs",
    ),
    secrets: z.array(name).min(1).max(10).describe(
      "Names of secrets, any of which may have signed",
    ),
  }),
});

/** A secret that is to be there. */
export const secretToPut = z.strictObject({
  value: z.string().min(1).max(MESHHOOK_LIMITS.secretBytes),
});

/** Where a run is to go on. */
export const runToResume = z.strictObject({
  from: z.string().describe("The step to begin with again"),
});

/** A run that is to begin without a webhook. */
export const runToTest = z.strictObject({
  body: z.json().describe("What the webhook would have brought"),
  headers: z.record(z.string(), z.string()).default({}).describe(
    "Its headers, names in lower case",
  ),
});

const runStatus = z.enum(["running", "succeeded", "failed", "cancelled"]);
const moment = z.string();

/** A workflow in a list. */
export const workflowSummary = z.object({
  name: z.string(),
  publishedVersion: z.int().nullable(),
  updatedAt: moment,
});

/** A published version in a list. */
export const workflowVersion = z.object({
  version: z.int(),
  publishedAt: moment,
});

/** A run in a list. */
export const runSummary = z.object({
  id: z.string(),
  workflow: z.string(),
  version: z.int(),
  status: runStatus,
  test: z.boolean().describe("Whether no webhook began it"),
  createdAt: moment,
  endedAt: moment.optional(),
});
export type RunSummaryBody = z.infer<typeof runSummary>;

const stepError = z.object({ code: z.string(), message: z.string() });
const step = { node: z.string(), attempt: z.int() };

/** What happened in a run, in its place. */
export const numberedEvent = z.object({
  seq: z.int(),
  atMs: z.number(),
  event: z.discriminatedUnion("type", [
    z.looseObject({
      type: z.literal("run.started"),
      version: z.int(),
      trigger: z.looseObject({ body: z.json() }),
    }),
    z.object({
      type: z.literal("step.succeeded"),
      ...step,
      output: z.json(),
    }),
    z.object({
      type: z.literal("step.failed"),
      ...step,
      error: stepError,
      retryAtMs: z.number().optional(),
    }),
    z.object({ type: z.literal("run.succeeded"), output: z.json() }),
    z.object({
      type: z.literal("run.failed"),
      node: z.string(),
      error: stepError,
    }),
    z.object({ type: z.literal("run.cancelled"), by: z.string() }),
    z.object({
      type: z.literal("run.resumed"),
      from: z.string(),
      by: z.string(),
    }),
  ]),
});
export type NumberedEventBody = z.infer<typeof numberedEvent>;

/** A run with its events. */
export const runDetails = runSummary.extend({
  events: z.array(numberedEvent),
});
export type RunDetailsBody = z.infer<typeof runDetails>;

/** A step that was given up. */
export const deadStep = z.object({
  runId: z.string(),
  workflow: z.string(),
  node: z.string(),
  attempts: z.int(),
  error: stepError,
  diedAt: moment,
});
