import { failureText } from "../health/failure_text.ts";
import type { Logger } from "../logging/logger.ts";
import { type Clock, sleep } from "./clock.ts";
import type { ModuleParts } from "./module.ts";
import { orderModules } from "./order_modules.ts";
import type { Part } from "./part.ts";
import type { ServedService, Service } from "./service.ts";
import { eventLoopLag } from "./tokens.ts";

/** What parts get for cutting what is left, once the deadline has passed. */
const CUT_MS = 500;
/** What each step after that gets: enough to close a socket. */
const LAST_MS = 50;

/**
 * One service from its start to its end.
 *
 * Start: the modules are set up; then the admin listener, the modules' parts,
 * the health checks, the public listener and the background work begin, each
 * once the one before is ready. Shutdown: not ready at once; the drain delay;
 * all parts drain together; all stop in reverse order; the container is
 * disposed. From the end of the drain delay there is one deadline for all of it.
 */
export class ServiceRun {
  readonly #service: Service;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #draining = new AbortController();
  readonly #stopCalled = Promise.withResolvers<void>();
  /** In the order of their start, with those that failed to. */
  readonly #parts: Part[] = [];
  #reason: string | undefined;
  #ready = false;
  #exitCode: 0 | 1 = 0;

  constructor(service: Service, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    this.#log = service.kernel.log.child("lifecycle");
  }

  /**
   * Never rejects: resolves to the exit code once everything has ended.
   *
   * @param onFailedStart Is told before the end begins.
   */
  async run(onFailedStart: () => void): Promise<0 | 1> {
    const begun = this.#clock.elapsed();
    const start = this.#start().then(
      () => this.#started(begun),
      (failure: unknown) => {
        // A start that was told to end may do so with an error: no failure.
        if (this.#stopping.signal.aborted) return;
        this.#failed(failure);
        onFailedStart();
      },
    );
    await this.#stopCalled.promise;
    await this.#stop(start);
    return this.#exitCode;
  }

  /** Begins an orderly end. Idempotent: the first reason stands, a failure stays one. */
  shutdown(reason: string, { failed = false } = {}): void {
    if (failed) this.#exitCode = 1;
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#service.kernel.health.setDraining();
    const { drainDelayMs, shutdownTimeoutMs } = this.#service.shutdown;
    this.#log.info(`Shutting down: ${reason}`, {
      reason,
      drainDelayMs,
      shutdownTimeoutMs,
    });
    this.#stopping.abort();
    this.#stopCalled.resolve();
  }

  async #start(): Promise<void> {
    const { kernel, listeners } = this.#service;
    const startedAtMs = this.#clock.now();
    const modules = orderModules(this.#service.modules);
    const added: ModuleParts[] = modules.map((module) =>
      module.setup(kernel) ?? {}
    );
    const served: ServedService = {
      kernel,
      modules: modules.map(({ name }) => name),
      startedAtMs,
      routes: added.flatMap(({ routes = [] }) => routes),
      stopping: this.#stopping.signal,
      draining: this.#draining.signal,
      shutdown: (reason) => this.shutdown(reason),
    };
    const admin = listeners.admin?.(served);
    const open = listeners.public?.(served);
    const lag = kernel.container.has(eventLoopLag)
      ? kernel.container.get(eventLoopLag)
      : undefined;
    const parts = [lag, ...added.flatMap(({ parts = [] }) => parts)];
    const background = added.flatMap(({ background = [] }) => background);
    refuseSameNames([admin, ...parts, open, ...background]);

    await this.#startParts([admin, ...parts]);
    kernel.health.start();
    await this.#startParts([open, ...background]);
  }

  async #startParts(parts: ReadonlyArray<Part | undefined>): Promise<void> {
    const signal = this.#stopping.signal;
    for (const part of parts) {
      signal.throwIfAborted();
      if (part === undefined) continue;
      const begun = this.#clock.elapsed();
      this.#parts.push(part);
      try {
        await part.start?.(signal);
      } catch (failure) {
        throw new Error(`${part.name} failed`, { cause: failure });
      }
      this.#log.debug(`Started ${part.name}`, this.#since(begun));
    }
    signal.throwIfAborted();
  }

  #started(begun: number): void {
    this.#ready = true;
    this.#service.kernel.health.setStarted();
    this.#log.info("Started", this.#since(begun));
  }

  #failed(failure: unknown): void {
    this.#log.error(`Cannot start: ${failureText(failure)}`, {
      error: failure instanceof Error ? failure.cause ?? failure : failure,
    });
    this.shutdown("the start failed", { failed: true });
  }

  async #stop(start: Promise<void>): Promise<void> {
    const { kernel, shutdown } = this.#service;
    const begun = this.#clock.elapsed();
    if (this.#ready && shutdown.drainDelayMs > 0) {
      await sleep(shutdown.drainDelayMs, { clock: this.#clock });
      this.#phase("drain delay", begun);
    }
    this.#draining.abort();
    const deadline = new Deadline(this.#clock, shutdown.shutdownTimeoutMs);

    const draining = this.#clock.elapsed();
    await this.#attempt("start", () => start, deadline);
    await Promise.all(this.#parts.map((part) =>
      this.#attempt(
        `drain of ${part.name}`,
        () => part.drain?.(deadline.signal),
        deadline,
      )
    ));
    this.#phase("drain", draining);

    const stopping = this.#clock.elapsed();
    kernel.health.stop();
    for (const part of this.#parts.toReversed()) {
      await this.#attempt(
        `stop of ${part.name}`,
        () => part.stop?.(),
        deadline,
      );
    }
    await this.#attempt(
      "disposal of the container",
      () => kernel.container.dispose(),
      deadline,
    );
    this.#phase("stop", stopping);

    deadline.clear();
    if (deadline.signal.aborted) this.#exitCode = 1;
    this.#log.info("Stopped", {
      reason: this.#reason,
      exitCode: this.#exitCode,
      ...this.#since(begun),
    });
  }

  /** One step that may throw or hang, and holds up the others no longer than the deadline. */
  async #attempt(
    step: string,
    act: () => Promise<void> | void,
    deadline: Deadline,
  ): Promise<void> {
    const { expired, cancel } = deadline.expiry();
    try {
      const cut = await Promise.race([
        Promise.try(act).then(() => false),
        expired.then(() => true),
      ]);
      if (!cut) return;
      this.#log.error(`Cut off: ${step} did not end in time`, { step });
    } catch (failure) {
      if (deadline.signal.aborted) return;
      this.#log.error(`The ${step} failed`, { step, error: failure });
    } finally {
      cancel();
    }
    this.#exitCode = 1;
  }

  #phase(phase: string, begun: number): void {
    this.#log.info(`Shutdown: ${phase} done`, { phase, ...this.#since(begun) });
  }

  #since(begun: number): { durationMs: number } {
    return { durationMs: Math.round(this.#clock.elapsed() - begun) };
  }
}

/** First a signal, then, a moment later, the end of all waiting. */
class Deadline {
  readonly #clock: Clock;
  readonly #passed = new AbortController();
  readonly #cut = Promise.withResolvers<void>();
  #isCut = false;
  #cancel: () => void;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#cancel = clock.schedule(() => {
      this.#passed.abort(
        new DOMException("The shutdown deadline has passed", "TimeoutError"),
      );
      this.#cancel = clock.schedule(() => {
        this.#isCut = true;
        this.#cut.resolve();
      }, CUT_MS);
    }, ms);
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  /** Resolves when a step that begins now is out of time. */
  expiry(): { readonly expired: Promise<void>; cancel(): void } {
    if (!this.#isCut) return { expired: this.#cut.promise, cancel() {} };
    const { promise, resolve } = Promise.withResolvers<void>();
    return { expired: promise, cancel: this.#clock.schedule(resolve, LAST_MS) };
  }

  clear(): void {
    this.#cancel();
  }
}

function refuseSameNames(parts: ReadonlyArray<Part | undefined>): void {
  const names = new Set<string>();
  for (const part of parts) {
    if (part === undefined) continue;
    if (names.has(part.name)) {
      throw new TypeError(`two parts are named ${part.name}`);
    }
    names.add(part.name);
  }
}
