import type { HookToPut } from "@mainstay/contracts/meshhook";
import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";

/** How the webhooks of a hook are signed, as it is put and kept. */
export type HookSignature = HookToPut["signature"];
/** By a JWT of the sender. */
export type JwtSignature = Extract<HookSignature, { readonly scheme: "jwt" }>;

/** Where webhooks of one kind come in, with all that taking one in needs. */
export interface Hook {
  readonly projectId: string;
  readonly slug: string;
  readonly signature: HookSignature;
  /** Those of its signature that the project has, as they are kept, also what they were for the last day. */
  readonly secrets: ReadonlyArray<{
    readonly name: string;
    readonly encrypted: Uint8Array;
  }>;
  /** Webhooks that its project may get in a minute; none: as many as any. */
  readonly webhooksPerMinute?: number;
  readonly workflowId: string;
  /** The published one; none: nothing was published yet. */
  readonly published?: {
    readonly version: number;
    readonly definition: WorkflowDefinition;
  };
}

/** Finds hooks. */
export interface HookStore {
  find(projectId: string, slug: string): Promise<Hook | undefined>;
}

/** What a project's secret is encrypted for: it opens as no other. */
export function secretUse(projectId: string, name: string): string {
  return `meshhook-secret:${projectId}:${name}`;
}
