import { type Clock, type Part, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type {
  LiveEvent,
  LiveFeed,
  LiveReader,
  LiveRun,
  RunAdvance,
} from "../../domain/live_log.ts";

/** Someone who is told of what happens in a project. */
export interface Watcher {
  /** Whether it is told of every run's events. */
  readonly wideEvents: boolean;
  /** Whether it is told of every run's row. */
  readonly wideRuns: boolean;
  /** Runs whose events it is told of. */
  readonly runIds: readonly string[];
  /** Runs whose rows it is told of. */
  readonly rowIds: readonly string[];
  /** A run is so far; perhaps it was before. */
  heard(runId: string, lastSeq: number): void;
  /** Some events of one run, in their order. */
  events(runId: string, rows: readonly LiveEvent[]): void;
  run(run: LiveRun, began: boolean): void;
}

/** Reads each burst once, however many watch. */
export interface LiveHub extends Part {
  /** @returns Its end. */
  watch(projectId: string, watcher: Watcher): () => void;
}

interface Project {
  readonly reader: LiveReader;
  readonly watchers: Set<Watcher>;
  readonly followers: Map<string, Set<Watcher>>;
  /** Read up to here; only of runs that were heard of lately. */
  readonly places: Map<string, number>;
  pending: Map<string, RunAdvance>;
  reading: boolean;
}

const PAGE = 200;
const MAX_PLACES = 10_000;
const RETRY_MS = 500;
/** Word is lost with a process that dies right after its commit. */
const SWEEP_MS = 2_000;
/** Runs that are asked for at once. */
const SWEPT = 5_000;
/** What was committed while the link was lost may be stamped a little earlier. */
const MARGIN_MS = 30_000;

/** Creates the one place where live logs are heard and read. */
export function createLiveHub(
  { feed, readerOf, onRead, clock, log }: {
    readonly feed: LiveFeed;
    readonly readerOf: (projectId: string) => LiveReader;
    /** Told of events that were read after they were heard of. */
    readonly onRead: (rows: readonly LiveEvent[]) => void;
    readonly clock: Clock;
    readonly log: Logger;
  },
): LiveHub {
  const projects = new Map<string, Project>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = new Set<Promise<void>>();
  let unfollow = () => {};

  function begin(task: Promise<void>): void {
    const done = task.finally(() => work.delete(done));
    work.add(done);
  }

  function advanced(advances: readonly RunAdvance[]): void {
    for (const advance of advances) {
      const project = projects.get(advance.projectId);
      if (project === undefined) continue;
      const { runId, from, to } = advance;
      if (!isWide(project) && !project.followers.has(runId)) continue;
      const before = project.pending.get(runId);
      project.pending.set(runId, {
        ...advance,
        from: Math.min(from, before?.from ?? from),
        to: Math.max(to, before?.to ?? to),
      });
      if (!project.reading) begin(read(project));
    }
  }

  async function read(project: Project): Promise<void> {
    project.reading = true;
    while (project.pending.size > 0 && !signal.aborted) {
      const burst = project.pending;
      project.pending = new Map();
      try {
        const begun = await readEvents(project, burst);
        await readRuns(project, burst, begun);
      } catch (error) {
        for (const [id, advance] of burst) {
          if (!project.pending.has(id)) project.pending.set(id, advance);
        }
        if (project.watchers.size === 0) break;
        log.warn("Cannot read live logs: it is tried again", { error });
        await sleep(RETRY_MS, { signal, clock }).catch(() => {});
      }
    }
    project.reading = false;
  }

  /** @returns Runs that have begun. */
  async function readEvents(
    project: Project,
    burst: ReadonlyMap<string, RunAdvance>,
  ): Promise<ReadonlySet<string>> {
    const { places, reader, followers, watchers } = project;
    const wide = [...watchers].filter(({ wideEvents }) => wideEvents);
    const begun = new Set<string>();
    let behind = [...burst.values()].flatMap(({ runId, from, to }) => {
      // Watched as a whole, a run is read from its start: what comes first may
      // have been told last.
      const known = places.get(runId) ?? (isWide(project) ? 0 : from - 1);
      if (from === 1 && known === 0) begun.add(runId);
      return to <= known ? [] : [{ runId, after: known }];
    });
    while (behind.length > 0) {
      const rows = await reader.readEvents(behind, PAGE);
      onRead(rows);
      for (const [runId, own] of Map.groupBy(rows, ({ runId }) => runId)) {
        place(places, runId, own.at(-1)!.seq);
        for (
          const watcher of new Set([...wide, ...followers.get(runId) ?? []])
        ) {
          watcher.events(runId, own);
        }
      }
      if (rows.length < PAGE) break;
      behind = behind.map(({ runId, after }) => ({
        runId,
        after: Math.max(after, places.get(runId) ?? 0),
      }));
    }
    return begun;
  }

  async function readRuns(
    { watchers, reader }: Project,
    burst: ReadonlyMap<string, RunAdvance>,
    begun: ReadonlySet<string>,
  ): Promise<void> {
    const asking = [...watchers].filter(({ wideRuns, rowIds }) =>
      wideRuns || rowIds.some((id) => burst.has(id))
    );
    if (asking.length === 0) return;
    for (const run of await reader.readRuns([...burst.keys()])) {
      for (const watcher of asking) {
        if (watcher.wideRuns || watcher.rowIds.includes(run.id)) {
          watcher.run(run, begun.has(run.id));
        }
      }
    }
  }

  /** Tells those who name runs how far they are. */
  async function sweep(project: Project): Promise<void> {
    const { followers, reader } = project;
    const ids = [...followers.keys()];
    for (let at = 0; at < ids.length; at += SWEPT) {
      const seqs = await reader.lastSeqs(ids.slice(at, at + SWEPT));
      for (const [id, seq] of seqs) {
        for (const watcher of followers.get(id) ?? []) watcher.heard(id, seq);
      }
    }
  }

  /** Reads what nobody told of. */
  async function recover(sinceMs: number): Promise<void> {
    const startedMs = clock.now();
    for (const [projectId, project] of projects) {
      try {
        await sweep(project);
        if (!isWide(project)) continue;
        const moved = await project.reader.advancedSince(sinceMs);
        advanced([...moved].map(([runId, to]) => ({
          projectId,
          runId,
          from: (project.places.get(runId) ?? to - 1) + 1,
          to,
        })));
      } catch (error) {
        log.warn("Cannot look for what was missed: it is tried again", {
          error,
        });
        return missed();
      }
    }
    heardAtMs = startedMs;
  }

  /** On the database's clock, as far as this one agrees with it. */
  let heardAtMs = clock.now();
  let recovering = false;
  let again = false;

  function missed(): void {
    again = true;
    if (recovering) return;
    recovering = true;
    begin((async () => {
      while (again && !signal.aborted) {
        again = false;
        await recover(heardAtMs - MARGIN_MS);
        if (again) await sleep(RETRY_MS, { signal, clock }).catch(() => {});
      }
      recovering = false;
    })());
  }

  async function sweepLoop(): Promise<void> {
    while (!signal.aborted) {
      await sleep(SWEEP_MS, { signal, clock }).catch(() => {});
      for (const project of projects.values()) {
        if (signal.aborted) return;
        await sweep(project).catch(() => {
          // The reads of a burst tell of the same failure.
        });
      }
    }
  }

  return {
    name: "live-hub",
    start() {
      unfollow = feed.follow({
        advanced(advances) {
          if (!recovering) heardAtMs = clock.now();
          advanced(advances);
        },
        missed,
        said() {
          if (!recovering) heardAtMs = clock.now();
        },
      });
      begin(sweepLoop());
    },
    async stop() {
      unfollow();
      stopping.abort();
      await Promise.all(work);
    },
    watch(projectId, watcher) {
      let project = projects.get(projectId);
      if (project === undefined) {
        project = {
          reader: readerOf(projectId),
          watchers: new Set(),
          followers: new Map(),
          places: new Map(),
          pending: new Map(),
          reading: false,
        };
        projects.set(projectId, project);
      }
      const { watchers, followers } = project;
      const named = new Set([...watcher.runIds, ...watcher.rowIds]);
      watchers.add(watcher);
      for (const id of named) {
        const own = followers.get(id) ?? new Set();
        followers.set(id, own.add(watcher));
      }
      return () => {
        watchers.delete(watcher);
        for (const id of named) {
          const own = followers.get(id);
          if (own?.delete(watcher) && own.size === 0) followers.delete(id);
        }
        if (watchers.size === 0) projects.delete(projectId);
      };
    },
  };
}

function isWide({ watchers }: Project): boolean {
  for (const { wideEvents, wideRuns } of watchers) {
    if (wideEvents || wideRuns) return true;
  }
  return false;
}

/** The run that was heard of longest ago is forgotten. */
function place(places: Map<string, number>, runId: string, seq: number): void {
  places.delete(runId);
  places.set(runId, seq);
  if (places.size <= MAX_PLACES) return;
  const { value, done } = places.keys().next();
  if (!done) places.delete(value);
}
