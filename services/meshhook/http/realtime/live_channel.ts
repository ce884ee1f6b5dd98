import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { LiveEvent, LiveReader, LiveRun } from "../../domain/live_log.ts";
import type { Watcher } from "./live_hub.ts";
import {
  type Change,
  type ChangeSubscription,
  eventChange,
  runChange,
} from "./postgres_changes.ts";

/** Rows that are read at once for a channel that has fallen behind, at most. */
const PAGE = 50;
/** Runs that a channel may be behind in, besides those that it names. */
const MAX_BEHIND = 1_000;
/** Between two looks at a socket that is full: seldom, if its client has stopped. */
const MIN_LOOK_MS = 5;
const MAX_LOOK_MS = 200;
/** Between two attempts at a database that failed. */
const RETRY_MS = 500;

/** What a channel is made of. */
export interface LiveChannelOptions {
  readonly subscriptions: readonly ChangeSubscription[];
  readonly reader: LiveReader;
  /** Where nothing in particular is named, nothing from before this is sent. */
  readonly sinceMs: number;
  /** Sends a change under the ids of those who asked for it. */
  readonly send: (ids: readonly number[], change: Change) => void;
  /** Whether the client reads slower than it is sent to. */
  readonly full: () => boolean;
  /** Called once, if it cannot keep up. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How far a channel is in a run. */
interface Place {
  /** Sent up to here. */
  sent: number;
  /** Known to be there. */
  heard: number;
  /** Whether there may be more than was heard of. */
  unread: boolean;
  /** Whether the channel names the run. */
  readonly named: boolean;
}

/** One channel of a socket, as far as changes go. */
export interface LiveChannel extends Watcher {
  /** Begins to send what is there already of the runs that it names. */
  start(): void;
  close(): void;
}

/**
 * Creates what a channel is sent: in each run, the events in their order and
 * without a gap. What comes while the client is slow is not kept: it is read
 * again, from where the client is, once that has room.
 */
export function createLiveChannel(options: LiveChannelOptions): LiveChannel {
  const { subscriptions, reader, sinceMs, send, full, clock, log } = options;
  const ofEvents = subscriptions.filter(({ table }) => table === "events");
  const ofRuns = subscriptions.filter(({ table }) => table === "runs");
  const places = new Map<string, Place>();
  /** Runs whose row is to be read and sent. */
  const changed = new Map<string, { began: boolean }>();
  /** What was last sent of the rows that it names. */
  const rowSeqs = new Map<string, number>();
  const closing = new AbortController();
  let pumping = false;
  /** What does not fit any longer is read again: as much is read as fits. */
  let page = PAGE;

  for (const { filter: { runIds, afterSeq } } of ofEvents) {
    for (const runId of runIds ?? []) {
      const sent = Math.min(afterSeq, places.get(runId)?.sent ?? afterSeq);
      places.set(runId, { sent, heard: sent, unread: true, named: true });
    }
  }
  for (const { filter: { runIds } } of ofRuns) {
    for (const id of runIds ?? []) {
      changed.set(id, { began: false });
      rowSeqs.set(id, 0);
    }
  }
  const wideEvents = ofEvents.some(({ filter }) => filter.runIds === undefined);
  const wideRuns = ofRuns.some(({ filter }) => filter.runIds === undefined);
  const runIds = [...places.keys()];
  const rowIds = [...rowSeqs.keys()];

  function deliver(change: Change, atMs: number): void {
    const ids = (change.table === "events" ? ofEvents : ofRuns)
      .filter(({ event, filter }) =>
        (event === "*" || event === change.type) &&
        (filter.runIds !== undefined || atMs >= sinceMs) &&
        filter.matches(change.record)
      ).map(({ id }) => id);
    if (ids.length > 0) send(ids, change);
  }

  function deliverRun(run: LiveRun, began: boolean): void {
    const at = new Date(clock.now());
    if (began) deliver(runChange(run, "INSERT", at), Infinity);
    if (!began || run.lastSeq > 1) {
      deliver(runChange(run, "UPDATE", at), Infinity);
    }
    if (rowSeqs.has(run.id)) rowSeqs.set(run.id, run.lastSeq);
  }

  const isBehind = ({ unread, sent, heard }: Place) => unread || sent < heard;

  const hasWork = () => changed.size > 0 || places.values().some(isBehind);

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    const { signal } = closing;
    let lookMs = MIN_LOOK_MS;
    while (!signal.aborted && hasWork()) {
      if (full()) {
        await sleep(lookMs, { signal, clock }).catch(() => {});
        lookMs = Math.min(lookMs * 2, MAX_LOOK_MS);
        continue;
      }
      lookMs = MIN_LOOK_MS;
      try {
        if (!await sendEvents()) await sendRuns();
      } catch (error) {
        if (signal.aborted) break;
        log.warn("Cannot read live logs: it is tried again", { error });
        await sleep(RETRY_MS, { signal, clock }).catch(() => {});
      }
    }
    pumping = false;
  }

  function sendFrom(place: Place, rows: readonly LiveEvent[]): void {
    for (const row of rows) {
      if (row.seq <= place.sent) continue;
      if (full()) return;
      place.sent = row.seq;
      deliver(changeOf(row), row.at.getTime());
    }
  }

  /** @returns Whether there was something to do. */
  async function sendEvents(): Promise<boolean> {
    const behind = [...places].filter(([, place]) => isBehind(place))
      .slice(0, PAGE);
    if (behind.length === 0) return false;
    const heard = behind.map(([, place]) => place.heard);
    const rows = await reader.readEvents(
      behind.map(([runId, { sent }]) => ({ runId, after: sent })),
      page,
    );
    if (closing.signal.aborted) return false;
    for (const [fitting, row] of rows.entries()) {
      if (full()) {
        page = Math.max(1, fitting);
        return true;
      }
      const place = places.get(row.runId)!;
      place.sent = row.seq;
      deliver(eventChange(row), row.at.getTime());
    }
    const all = rows.length < page;
    page = Math.min(PAGE, page * 2);
    if (!all) return true;
    behind.forEach(([runId, place], at) => {
      place.unread = false;
      // What was heard of and is not there was never, or is no longer.
      place.sent = Math.max(place.sent, heard[at]!);
      if (!place.named && !isBehind(place)) places.delete(runId);
    });
    return true;
  }

  async function sendRuns(): Promise<void> {
    const taken = [...changed].slice(0, PAGE);
    if (taken.length === 0) return;
    const rows = await reader.readRuns(taken.map(([id]) => id));
    if (closing.signal.aborted) return;
    for (const [id, change] of taken) {
      if (changed.get(id) === change) changed.delete(id);
    }
    const began = new Map(taken);
    for (const run of rows) deliverRun(run, began.get(run.id)!.began);
  }

  /** What cannot be kept up with is lost in a way that the client is told. */
  function fallBehind(): void {
    if (
      places.size - runIds.length > MAX_BEHIND ||
      changed.size - rowIds.length > MAX_BEHIND
    ) {
      closing.abort();
      options.onLost();
      return;
    }
    void pump();
  }

  return {
    wideEvents,
    wideRuns,
    runIds,
    rowIds,
    start: () => void pump(),
    close: () => closing.abort(),
    heard(runId, lastSeq) {
      const place = places.get(runId);
      if (place !== undefined) place.heard = Math.max(place.heard, lastSeq);
      if ((rowSeqs.get(runId) ?? lastSeq) < lastSeq) {
        changed.set(runId, { began: false });
      }
      void pump();
    },
    events(runId, rows) {
      const place = places.get(runId) ?? placeBefore(rows);
      if (closing.signal.aborted || (!place.named && !wideEvents)) return;
      const follows = !isBehind(place) && rows[0]!.seq <= place.sent + 1;
      place.heard = Math.max(place.heard, rows.at(-1)!.seq);
      if (follows) sendFrom(place, rows);
      if (!isBehind(place)) return;
      places.set(runId, place);
      fallBehind();
    },
    run(run, began) {
      if (closing.signal.aborted) return;
      const waiting = changed.get(run.id);
      if (waiting === undefined && !full()) return deliverRun(run, began);
      changed.set(run.id, { began: began || waiting?.began === true });
      fallBehind();
    },
  };
}

function placeBefore([first]: readonly LiveEvent[]): Place {
  const sent = first!.seq - 1;
  return { sent, heard: sent, unread: false, named: false };
}

/** Written once, however many channels it is sent to. */
const written = new WeakMap<LiveEvent, Change>();

function changeOf(row: LiveEvent): Change {
  let change = written.get(row);
  if (change === undefined) written.set(row, change = eventChange(row));
  return change;
}
