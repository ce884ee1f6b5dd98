import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { HookSummary, RunSummary, Workflow } from "./tenant_store.ts";
import type { NumberedEvent } from "./run_event.ts";

/** One row of a project, as it is taken out: of secrets only the names that refer to them. */
export type ExportLine =
  | { readonly kind: "workflow" } & Omit<Workflow, "id">
  | {
    readonly kind: "version";
    readonly workflow: string;
    readonly version: number;
    readonly definition: WorkflowDefinition;
  }
  | { readonly kind: "hook" } & HookSummary
  | { readonly kind: "run" } & RunSummary
  | { readonly kind: "event"; readonly runId: string } & NumberedEvent;
