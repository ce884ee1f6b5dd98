import type { WorkflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { HookStore } from "./hook.ts";
import type { RunEvent } from "./run_event.ts";

/** What the database says of itself. */
export interface DatabaseReport {
  readonly inRecovery: boolean;
  readonly readOnly: boolean;
  /** Of its schema: the last migration that was applied. */
  readonly schemaVersion: number;
  /** Of the schema that this release is written for. */
  readonly expectedVersion: number;
  /** Whether callers wait because all connections are in use. */
  readonly saturated: boolean;
}

/** What the database says of the workers, on its own clock. */
export interface WorkersReport {
  /** Time since the last beat of each kind that has ever beaten. */
  readonly beatAgesMs: Readonly<Record<string, number>>;
  /** Whether a task that nothing holds back has been waiting for longer than `overdueMs`. */
  readonly overdue: boolean;
}

/**
 * What is asked for `GET /health`, over connections that serve nothing else.
 * Nothing that is asked leaves a row.
 */
export interface HealthProbes {
  /** An abort of `signal` closes the connection. */
  database(signal: AbortSignal): Promise<DatabaseReport>;
  workers(overdueMs: number): Promise<WorkersReport>;
  /** Finds hooks as the intake does. */
  readonly hooks: HookStore;
  /** A stored definition as it was read; `otherwise` where none is stored, through the database. */
  storedDefinition(otherwise: WorkflowDefinition): Promise<unknown>;
  /** Appends an event to a stream of its own, and gives what is then read of that. */
  appendAndRead(event: RunEvent): Promise<readonly RunEvent[]>;
  /** Of one row in each of these projects, those that the first project's tenant sees. */
  visibleTo(
    projectId: string,
    others: readonly string[],
  ): Promise<readonly string[]>;
}
