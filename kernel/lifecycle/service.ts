import type { Kernel, Module } from "./module.ts";
import type { Part } from "./part.ts";
import type { Route } from "./route.ts";

/** How long a shutdown's phases may take. */
export interface ShutdownSettings {
  /** From "not ready" to the end of new work: longer than a balancer takes to notice. */
  readonly drainDelayMs: number;
  /** For requests and work in hand after the drain delay; then they are cut. */
  readonly shutdownTimeoutMs: number;
}

/** What a listener sees of the service that it serves. */
export interface ServedService {
  readonly kernel: Kernel;
  /** Names of its modules, in set-up order. */
  readonly modules: readonly string[];
  /** When its start began, in epoch milliseconds. */
  readonly startedAtMs: number;
  /** Routes of all modules, in set-up order. */
  readonly routes: readonly Route[];
  /** Aborts at the first moment of a shutdown. */
  readonly stopping: AbortSignal;
  /** Aborts when the drain delay has passed: streams end, connections close after their answer. */
  readonly draining: AbortSignal;
  /** Begins an orderly shutdown of this service. Idempotent. */
  shutdown(reason: string): void;
}

/** How a service is reached; given by the HTTP adapter, known here only as parts. */
export interface Listeners {
  /** Opened before anything else, closed after everything else: probes, metrics, shutdown. */
  admin?(service: ServedService): Part;
  /** Opened once the modules' parts have started, before their background work. */
  public?(service: ServedService): Part;
}

/** One service: a kernel, its modules, and how they are reached and stopped. */
export interface Service {
  readonly kernel: Kernel;
  readonly modules: readonly Module[];
  readonly listeners: Listeners;
  readonly shutdown: ShutdownSettings;
}
