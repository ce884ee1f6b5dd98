import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { HookSignature } from "./hook.ts";
import type { LiveReader } from "./live_log.ts";
import type { NumberedEvent, RunEvent, StepError } from "./run_event.ts";
import type { RunStatus } from "./run_state.ts";
import type { NewTask, RunRecord } from "./task.ts";

/** A workflow as its project edits it. */
export interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly draft: WorkflowDefinition;
  /** None: nothing was published yet. */
  readonly publishedVersion?: number;
  readonly updatedAt: Date;
}

/** A version of a workflow; it never changes. */
export interface WorkflowVersion {
  readonly version: number;
  readonly publishedAt: Date;
}

/** A run without its events. */
export interface RunSummary {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly status: RunStatus;
  /** Whether no webhook began it. */
  readonly test: boolean;
  readonly createdAt: Date;
  readonly endedAt?: Date;
}

/** A run whole. */
export interface RunDetails extends RunSummary {
  readonly events: readonly NumberedEvent[];
}

/** A step that was given up. */
export interface DeadStep {
  readonly runId: string;
  readonly workflow: string;
  readonly node: string;
  readonly attempts: number;
  readonly error: StepError;
  readonly diedAt: Date;
}

/** A hook without what its intake needs. */
export interface HookSummary {
  readonly slug: string;
  readonly workflow: string;
  readonly signature: HookSignature;
}

/** What happens to a run that has ended, or is to end. */
export interface RunChange {
  readonly events: readonly RunEvent[];
  readonly status: RunStatus;
  readonly tasks: readonly NewTask[];
}

/** Who did what, on record. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
}

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

/** One project, seen and changed by its own: the database shows no other. */
export interface TenantStore extends LiveReader {
  listWorkflows(): Promise<readonly Workflow[]>;
  findWorkflow(name: string): Promise<Workflow | undefined>;
  saveDraft(name: string, draft: WorkflowDefinition): Promise<Workflow>;
  /** Makes the draft the next version, which never changes. @returns Its number. */
  publish(name: string): Promise<number | undefined>;
  /** The newest first. */
  listVersions(name: string): Promise<readonly WorkflowVersion[]>;
  /** @param version Default: the newest. */
  findVersion(name: string, version?: number): Promise<
    | (WorkflowVersion & {
      readonly workflowId: string;
      readonly definition: WorkflowDefinition;
    })
    | undefined
  >;
  listHooks(): Promise<readonly HookSummary[]>;
  /** @returns False if there is no such workflow. */
  putHook(hook: HookSummary): Promise<boolean>;
  removeHook(slug: string): Promise<boolean>;
  listSecrets(): Promise<
    ReadonlyArray<{
      readonly name: string;
      readonly updatedAt: Date;
    }>
  >;
  putSecret(name: string, encrypted: Uint8Array, actor: string): Promise<void>;
  removeSecret(name: string, actor: string): Promise<boolean>;
  /** The newest first. */
  listRuns(page: {
    readonly limit: number;
    readonly status?: RunStatus;
    /** A run's id: only those after it in the list. */
    readonly before?: string;
  }): Promise<readonly RunSummary[]>;
  findRun(id: string): Promise<RunDetails | undefined>;
  /**
   * Changes a run that nothing else can change meanwhile.
   *
   * @param change What follows from what the run is now; undefined: nothing.
   * @returns Whether there is such a run.
   */
  changeRun(
    id: string,
    change: (run: RunRecord) => RunChange | undefined,
  ): Promise<boolean>;
  /** Those given up last first. */
  listDead(page: {
    readonly limit: number;
    /** A run's id: only those after its step in the list. */
    readonly before?: string;
  }): Promise<readonly DeadStep[]>;
  /** The step of a run that was given up. */
  findDead(runId: string): Promise<DeadStep | undefined>;
  /** Takes a run's from the list; the run stays failed. @returns Whether there was one. */
  discardDead(runId: string): Promise<boolean>;
  /** The newest first. */
  listAudit(page: {
    readonly limit: number;
    /** An entry's id: only those after it in the list. */
    readonly before?: string;
  }): Promise<readonly AuditEntry[]>;
  /** All but secrets: workflows, versions, hooks, runs with their events. */
  export(): AsyncIterable<ExportLine>;
  /** Subjects of the identity service whose tokens act for the project. */
  listMembers(): Promise<readonly string[]>;
  putMember(subject: string, actor: string): Promise<void>;
  removeMember(subject: string, actor: string): Promise<boolean>;
}

/** The projects, and who may act for one. */
export interface Tenants {
  /** Whose key it is. */
  projectOf(keyHash: Uint8Array): Promise<
    { readonly projectId: string; readonly keyName: string } | undefined
  >;
  /** Whether a subject's tokens act for a project. */
  isMember(projectId: string, subject: string): Promise<boolean>;
  /** @returns False if the project exists. */
  create(project: {
    readonly id: string;
    readonly name: string;
    readonly keyHash: Uint8Array;
  }): Promise<boolean>;
  of(projectId: string): TenantStore;
}
