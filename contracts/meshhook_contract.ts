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
