/**
 * What live logs are made of: word that runs have advanced, and the rows that
 * are read then. Word may be lost; rows are not.
 *
 * @module
 */
import type { RunEvent } from "./run_event.ts";
import type { RunStatus } from "./run_state.ts";

/** Events that were added to a run, by their numbers. */
export interface RunAdvance {
  readonly projectId: string;
  readonly runId: string;
  readonly from: number;
  readonly to: number;
}

/** Passes word on that runs have advanced, soon and never failing. */
export type TellAdvance = (advances: readonly RunAdvance[]) => void;

/** What is told to someone who follows. */
export interface LiveListener {
  advanced(advances: readonly RunAdvance[]): void;
  /** Some word may have been lost: what was missed is in the tables. */
  missed(): void;
  /** Something that {@link LiveFeed.say} has sent. */
  said(word: string): void;
}

/** Hears what all processes tell. */
export interface LiveFeed {
  /** @returns Its end. */
  follow(listener: LiveListener): () => void;
  /**
   * Sends a word to all who follow, through the database.
   *
   * @throws {Error} If nothing is heard at present.
   */
  say(word: string): Promise<void>;
}

/** An event as it is in its table. */
export interface LiveEvent {
  readonly runId: string;
  readonly seq: number;
  readonly at: Date;
  readonly event: RunEvent;
}

/** A run as it is in its table. */
export interface LiveRun {
  readonly id: string;
  readonly workflowId: string;
  readonly version: number;
  readonly status: RunStatus;
  readonly lastSeq: number;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

/** Reads one project's rows; the database shows no other's. */
export interface LiveReader {
  /**
   * Events of some runs, after a number of each: run by run, in order.
   *
   * @returns At most `limit`; fewer: these are all.
   */
  readEvents(
    places: ReadonlyArray<{ readonly runId: string; readonly after: number }>,
    limit: number,
  ): Promise<readonly LiveEvent[]>;
  readRuns(ids: readonly string[]): Promise<readonly LiveRun[]>;
  /** How far some runs are. */
  lastSeqs(ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Runs that have advanced since then, and how far they are. */
  advancedSince(atMs: number): Promise<ReadonlyMap<string, number>>;
  /** What the clock says that events are stamped by. */
  nowMs(): Promise<number>;
}
