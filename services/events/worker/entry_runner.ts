import { type Clock, sleep } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import type { DeathNote } from "../domain/consumer_group.ts";
import { GroupLost, LeaseLost } from "../domain/consumer_group_errors.ts";
import type { StoredEvent } from "../domain/event.ts";
import type { EventHandler } from "../domain/handler.ts";
import type { Lanes } from "../domain/lanes.ts";
import { type RetryBackoff, retryDelayMs } from "../domain/retry_backoff.ts";
import type { Agenda } from "./agenda.ts";
import { Attempt, type Outcome } from "./attempt.ts";
import type { ConsumerMetrics } from "./consumer_metrics.ts";
import { describeError } from "./describe_error.ts";
import type { HeldEntry } from "./held_entry.ts";

/** What an {@link EntryRunner} works with. */
export interface EntryRunnerOptions {
  readonly lanes: Lanes<HeldEntry>;
  readonly agenda: Agenda;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ConsumerMetrics;
  readonly backoff: RetryBackoff;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Told whenever an entry has left the lanes, or was parked. */
  moved(): void;
}

/** What has become of an entry, as the lanes see it. */
type Next = "started" | "ended" | "parked";

const DEFAULT_MAX_ATTEMPTS = 5;
const MAX_PAUSE_MS = 2_000;

/**
 * Takes entries from the lanes through their attempts to the end: the
 * acknowledgement, a retry, or the dead letters.
 */
export class EntryRunner {
  /** When a handler last ended, by the clock's stopwatch. */
  lastMessageMs: number | undefined;
  readonly #options: EntryRunnerOptions;
  #running = 0;
  readonly #cut = new AbortController();
  /** The one suspect that runs, and those that wait for it. */
  #suspect: HeldEntry | undefined;
  #suspects: HeldEntry[] = [];
  #pumping = false;
  #idle: PromiseWithResolvers<void> | undefined;
  /** The end of one handler, at which the next begins: a clock costs more than it tells then. */
  #nowMs: number | undefined;
  #closed = false;

  constructor(options: EntryRunnerOptions) {
    this.#options = options;
  }

  /** Resolves once no entry is being taken through an attempt. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Puts an entry into its lane, and runs what may run. */
  accept(entry: HeldEntry): void {
    this.#options.lanes.add(entry);
  }

  /** Runs what may run. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const { lanes } = this.#options;
    while (!this.#closed) {
      const entry = lanes.next();
      if (!entry) break;
      if (entry.revoked) {
        lanes.done(entry);
        this.#options.moved();
      } else this.#run(entry);
    }
    this.#pumping = false;
  }

  /** Gives entries up, parked ones at once. */
  revoke(entries: Iterable<HeldEntry>, reason: string): void {
    for (const entry of entries) {
      entry.revoke(reason);
      this.#options.lanes.unpark(entry);
    }
    this.pump();
  }

  /** Begins no further attempt. */
  close(): void {
    this.#closed = true;
  }

  /** Asks the handlers of `entries` to end, and waits for Redis no longer. */
  cut(entries: Iterable<HeldEntry>): void {
    this.#closed = true;
    this.#cut.abort();
    for (const entry of entries) entry.running?.abort("the service stops");
  }

  /**
   * Most events take the short way: their first attempt begins at once and
   * succeeds, without a promise beside the handler's own.
   */
  #run(entry: HeldEntry): void {
    entry.busy = true;
    this.#running++;
    const { entry: event } = entry.delivery;
    if (!("event" in event)) {
      this.#finishAfter(entry, this.#bury(entry, "invalid", event.reason));
    } else if (!entry.handler) {
      this.#options.metrics.unhandled.add({ type: event.event });
      this.#settle(entry);
      this.#ended(entry);
    } else if (entry.attempt === 1 && entry.dueAtMs === undefined) {
      this.#start(entry, event, entry.handler);
    } else {
      this.#finishAfter(entry, this.#again(entry, event, entry.handler));
    }
  }

  #finishAfter(entry: HeldEntry, work: Promise<Next>): void {
    work.then((next) => {
      if (next === "started") return;
      if (next === "ended") this.#ended(entry);
      else this.#away(entry);
    });
  }

  #ended(entry: HeldEntry): void {
    this.#options.lanes.done(entry);
    this.#away(entry);
  }

  /** It runs no longer, whether it has ended or waits. */
  #away(entry: HeldEntry): void {
    entry.busy = false;
    if (--this.#running === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    if (this.#suspect === entry) this.#nextSuspect();
    this.#options.moved();
    this.pump();
  }

  /** What has been delivered before: a retry, or a dead consumer's. */
  async #again(
    entry: HeldEntry,
    event: StoredEvent,
    handler: EventHandler,
  ): Promise<Next> {
    const { shard, id, attempt } = entry;
    if ((entry.dueAtMs ?? 0) > this.#options.clock.now()) {
      return this.#park(entry);
    }
    if (attempt > (handler.options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS)) {
      return await this.#bury(
        entry,
        "unhandled-crash",
        "The process ended, or lost the event, during each attempt",
      );
    }
    if (entry.suspect) {
      if (this.#suspect) {
        this.#suspects.push(entry);
        this.#options.lanes.park(entry);
        return "parked";
      }
      this.#suspect = entry;
    }
    const begun = await this.#persist(
      entry,
      () => shard.group.begin(id, attempt, shard.lease()),
    );
    if (!begun || entry.revoked) return this.#drop(entry);
    this.#start(entry, event, handler);
    return "started";
  }

  #start(entry: HeldEntry, event: StoredEvent, handler: EventHandler): void {
    const { agenda, log, clock, metrics } = this.#options;
    const startedMs = this.#nowMs ?? clock.elapsed();
    this.#nowMs = undefined;
    const attempt = new Attempt(handler, event, {
      attempt: entry.attempt,
      startedMs,
      log,
      agenda,
      clock,
    });
    entry.running = attempt;
    attempt.run((outcome) => {
      entry.running = undefined;
      const endedMs = clock.elapsed();
      this.lastMessageMs = endedMs;
      const series = metrics.ofType(event.event);
      series.duration.observe((endedMs - startedMs) / 1000);
      if (outcome.kind !== "done") {
        this.#finishAfter(entry, this.#failed(entry, attempt, outcome));
        return;
      }
      if (entry.revoked) this.#drop(entry);
      else {
        series.success.add();
        if (entry.suspect) {
          this.#finishAfter(entry, this.#confirm(entry));
          return;
        }
        this.#settle(entry);
      }
      this.#nowMs = endedMs;
      this.#ended(entry);
      this.#nowMs = undefined;
    });
  }

  async #failed(
    entry: HeldEntry,
    { event, handler, correlationId }: Attempt,
    outcome: Exclude<Outcome, { kind: "done" }>,
  ): Promise<Next> {
    const { log, metrics, backoff, random, clock } = this.#options;
    const type = event.event;
    const error = describeError(outcome.error);
    const facts = {
      event: type,
      aggregateId: event.aggregateId,
      streamId: event.streamId,
      attempt: entry.attempt,
      error,
      correlationId,
    };
    metrics.processed.add({
      type,
      outcome: outcome.kind === "failed" ? "failure" : outcome.kind,
    });
    if (outcome.kind === "abandoned") {
      metrics.abandoned.add({ type });
      log.error(
        "A handler did not end when told to; its aggregate goes on without it, so order may not hold",
        facts,
      );
    }
    if (entry.revoked) return this.#drop(entry);
    if (outcome.kind === "invalid") {
      log.error("Failed to process event: its data is invalid", facts);
      return await this.#bury(entry, "invalid", error);
    }
    metrics.failed.add({ type });
    const { maxAttempts = DEFAULT_MAX_ATTEMPTS } = handler.options;
    if (entry.attempt >= maxAttempts) {
      log.error("Failed to process event: no attempts are left", facts);
      return await this.#bury(entry, "max-attempts", error);
    }
    const delayMs = retryDelayMs(entry.attempt, backoff, random);
    const dueAtMs = clock.now() + delayMs;
    log.warn("Failed to process event: it will be retried", {
      ...facts,
      delayMs,
    });
    const { attempt } = entry;
    const kept = await this.#persist(
      entry,
      () =>
        entry.shard.group.retryAt(
          entry.id,
          dueAtMs,
          attempt,
          entry.shard.lease(),
        ),
    );
    if (!kept || entry.revoked) return this.#drop(entry);
    metrics.retried.add({ type });
    entry.attempt = attempt + 1;
    entry.dueAtMs = dueAtMs;
    entry.suspect = false;
    return this.#park(entry);
  }

  #park(entry: HeldEntry): "parked" {
    const { lanes, agenda, clock } = this.#options;
    lanes.park(entry);
    const delayMs = (entry.dueAtMs ?? 0) - clock.now();
    agenda.after(Math.max(0, delayMs), () => {
      lanes.unpark(entry);
      this.pump();
    });
    return "parked";
  }

  #settle(entry: HeldEntry): "ended" {
    entry.settle();
    entry.shard.acknowledge(entry);
    return "ended";
  }

  /** A suspect's success is recorded before the next runs, which may end the process. */
  async #confirm(entry: HeldEntry): Promise<Next> {
    const confirmed = await this.#persist(entry, async () => {
      await entry.shard.acks.confirm(entry);
      return true;
    });
    if (!confirmed) return this.#drop(entry);
    entry.settle();
    return "ended";
  }

  #drop(entry: HeldEntry): "ended" {
    if (!this.#cut.signal.aborted) entry.shard.drop(entry);
    return "ended";
  }

  async #bury(
    entry: HeldEntry,
    reason: DeathNote["reason"],
    error: string,
  ): Promise<Next> {
    const { metrics, log } = this.#options;
    const { entry: event } = entry.delivery;
    const attempts = reason === "max-attempts"
      ? entry.attempt
      : entry.attempt - 1;
    const buried = await this.#persist(
      entry,
      () =>
        entry.shard.group.bury(
          entry.delivery,
          { reason, error, attempts },
          entry.shard.lease(),
        ),
    );
    if (buried) {
      const type = "event" in event ? event.event : "";
      metrics.deadLettered.add({ type, reason });
      log.error("Moved an event to the dead letters", {
        event: type,
        streamId: event.streamId,
        shard: event.shard,
        reason,
        attempts,
        error,
      });
    }
    if (buried === undefined && this.#cut.signal.aborted) return "ended";
    entry.settle();
    entry.shard.drop(entry);
    return "ended";
  }

  #nextSuspect(): void {
    this.#suspect = undefined;
    let next = this.#suspects.shift();
    while (next?.revoked) next = this.#suspects.shift();
    if (next) this.#options.lanes.unpark(next);
  }

  /** Carries out `operation` once Redis is there; undefined when the entry is no longer ours, or time is up. */
  async #persist<Result>(
    entry: HeldEntry,
    operation: () => Promise<Result>,
  ): Promise<Result | undefined> {
    const { clock, log } = this.#options;
    for (let pauseMs = 50;; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      if (entry.revoked) return undefined;
      try {
        return await operation();
      } catch (error) {
        if (error instanceof LeaseLost) {
          entry.shard.lose("another process has taken it");
          return undefined;
        }
        if (error instanceof GroupLost) return undefined;
        log.debug("Cannot record what became of an event; trying again", {
          streamId: entry.id,
          error: describeError(error),
        });
        if (this.#cut.signal.aborted) return undefined;
        await sleep(pauseMs, { signal: this.#cut.signal, clock }).catch(
          () => {},
        );
      }
    }
  }
}
