import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { SignatureScheme } from "./webhook_signature.ts";

/** How the webhooks of a hook are signed. */
export interface HookSignature {
  readonly scheme: SignatureScheme;
  /** Names of the project's secrets, any of which may have signed. */
  readonly secrets: readonly string[];
}

/** Where webhooks of one kind come in, with all that taking one in needs. */
export interface Hook {
  readonly projectId: string;
  readonly slug: string;
  readonly signature: HookSignature;
  /** Those of its signature that the project has, as they are kept. */
  readonly secrets: ReadonlyArray<{
    readonly name: string;
    readonly encrypted: Uint8Array;
  }>;
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
