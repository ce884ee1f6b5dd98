import type {
  HealthCheck,
  HealthSnapshot,
  HealthTransition,
} from "./health_check.ts";

/** Which checks of a snapshot are looked at. */
export interface SnapshotSelection {
  /** Only checks of this group; every check without it. */
  readonly group?: string;
  /** Names left out. */
  readonly exclude?: readonly string[];
}

/**
 * The checks of one service, run in the background, and their last results.
 *
 * Reading costs no call of a dependency: a thousand probes a second cause at
 * most one run of each check per interval.
 */
export interface HealthRegistry {
  /**
   * Adds a check; it begins to run at once if the registry has started.
   *
   * @returns Its removal.
   * @throws {TypeError} If the name is taken or not kebab-case, or, once the
   *   registry has started, a group is unknown.
   * @throws {RangeError} If a time or a threshold cannot work.
   */
  register(check: HealthCheck): () => void;
  /** Whether a check of this name was there to remove. */
  unregister(name: string): boolean;
  /** Names of groups besides `live`, `ready` and `startup` that checks may join. */
  defineGroup(name: string): void;
  /** Begins to run the checks. @throws {TypeError} Naming each check with an unknown group. */
  start(): void;
  /** Ends all runs and timers. */
  stop(): void;
  /** The last results, judged by their age at the moment of the call. */
  snapshot(selection?: SnapshotSelection): HealthSnapshot;
  /** Runs one check now, unless it is running already, and gives what is then known. */
  refresh(name: string): Promise<void>;
  /** Told of each transition, in order. Returns its removal. */
  onTransition(listener: (transition: HealthTransition) => void): () => void;
  /** From here on, the `ready` group is unhealthy, whatever its checks say. */
  setDraining(): void;
  /** Until called once all parts have started, `ready` and `startup` are `starting`. */
  setStarted(): void;
}
