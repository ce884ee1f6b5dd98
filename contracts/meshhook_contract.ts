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

const secrets = z.array(name).min(1).max(10).describe(
  "Names of secrets, any of which may have signed",
);

/** Private members are refused: they are nobody's to send. */
const publicKey = z.strictObject({
  kty: z.enum(["RSA", "EC", "OKP"]),
  kid: z.string().min(1).max(200).optional(),
  use: z.literal("sig").optional(),
  alg: z.string().optional(),
  n: z.string().max(2_000).optional(),
  e: z.string().max(20).optional(),
  crv: z.enum(["P-256", "Ed25519"]).optional(),
  x: z.string().max(200).optional(),
  y: z.string().max(200).optional(),
}).meta({ id: "PublicKey" });

const claims = {
  scheme: z.literal("jwt"),
  issuer: z.string().min(1).max(500).describe("What its `iss` has to be"),
  audience: z.string().min(1).max(500).describe("What its `aud` has to hold"),
};

/** How webhooks are signed. */
export const hookSignature = z.discriminatedUnion("scheme", [
  z.strictObject({ scheme: z.literal("standard"), secrets }),
  z.strictObject({ scheme: z.literal("github"), secrets }),
  z.strictObject({ scheme: z.literal("stripe"), secrets }),
  z.discriminatedUnion("algorithm", [
    z.strictObject({ ...claims, algorithm: z.literal("HS256"), secrets }),
    z.strictObject({
      ...claims,
      algorithm: z.enum(["RS256", "ES256", "EdDSA"]),
      keys: z.array(publicKey).min(1).max(10).describe(
        "Public keys, any of which may have signed",
      ),
    }),
  ]),
]);

/** A hook that is to be there. */
export const hookToPut = z.strictObject({
  workflow: name.describe("The workflow that its webhooks run"),
  signature: hookSignature,
});
export type HookToPut = z.infer<typeof hookToPut>;

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
