/**
 * What is known of every service: now, and over the last day in slots of a
 * quarter of an hour.
 *
 * @module
 */

/** Length of a slot. */
export const SLOT_MS = 900_000;
/** Slots of a day. */
export const SLOTS = 96;

/** What a look at a service showed. */
export interface Sighting {
  readonly service: string;
  readonly up: boolean;
  readonly atMs: number;
}

/** What was seen of a service in one slot. */
export interface SlotCount {
  /** Its beginning. */
  readonly atMs: number;
  readonly asked: number;
  readonly well: number;
}

/** What is kept of a service. */
export interface ServiceHistory {
  readonly service: string;
  readonly up: boolean;
  readonly sinceMs: number;
  readonly slots: readonly SlotCount[];
}

/** A service, as the status shows it. */
export interface ServicePicture {
  readonly service: string;
  /** Undefined: not asked yet. */
  readonly up: boolean | undefined;
  readonly sinceMs: number | undefined;
  /** Oldest first; null where nothing is known. */
  readonly availability: ReadonlyArray<number | null>;
}

/** The board on which the status is kept. */
export interface StatusBoard {
  /** Takes what was just seen; it is not kept anywhere else yet. */
  see(sightings: readonly Sighting[]): void;
  /** What no history holds yet; the oldest are left out past a day's worth. */
  readonly unrecorded: readonly Sighting[];
  /** Takes a history that holds the first `recorded` of {@link unrecorded}. */
  take(history: readonly ServiceHistory[], recorded: number): void;
  picture(nowMs: number): readonly ServicePicture[];
}

/** When the slot begins that a moment is in. */
export function slotOf(atMs: number): number {
  return Math.floor(atMs / SLOT_MS) * SLOT_MS;
}

/** When the day begins that a board shows at a moment. */
export function dayBefore(nowMs: number): number {
  return slotOf(nowMs) - (SLOTS - 1) * SLOT_MS;
}

/**
 * Creates a board of some services.
 *
 * @param maxUnrecorded Sightings kept while no history takes them.
 */
export function createStatusBoard(
  services: readonly string[],
  maxUnrecorded = 10_000,
): StatusBoard {
  const latest = new Map<string, Omit<ServicePicture, "availability">>();
  const kept = new Map<string, ServiceHistory>();
  let unrecorded: Sighting[] = [];

  function stateOf(service: string) {
    const seen = latest.get(service);
    const known = kept.get(service);
    // Another watcher may have seen the change before this one was there.
    const sinceMs = known !== undefined && known.up === seen?.up
      ? Math.min(known.sinceMs, seen.sinceMs ?? known.sinceMs)
      : seen?.sinceMs;
    return { service, up: seen?.up, sinceMs };
  }

  return {
    see(sightings) {
      for (const { service, up, atMs } of sightings) {
        const before = latest.get(service);
        const sinceMs = before?.up === up ? before.sinceMs : atMs;
        latest.set(service, { service, up, sinceMs });
      }
      unrecorded = [...unrecorded, ...sightings].slice(-maxUnrecorded);
    },
    get unrecorded() {
      return unrecorded;
    },
    take(history, recorded) {
      kept.clear();
      for (const one of history) kept.set(one.service, one);
      unrecorded = unrecorded.slice(recorded);
    },
    picture(nowMs) {
      const fromMs = dayBefore(nowMs);
      return services.map((service) => {
        const counts = new Map<number, { asked: number; well: number }>();
        const add = (atMs: number, asked: number, well: number) => {
          const slot = slotOf(atMs);
          const count = counts.get(slot) ?? { asked: 0, well: 0 };
          counts.set(slot, {
            asked: count.asked + asked,
            well: count.well + well,
          });
        };
        for (const { atMs, asked, well } of kept.get(service)?.slots ?? []) {
          add(atMs, asked, well);
        }
        for (const seen of unrecorded) {
          if (seen.service === service) add(seen.atMs, 1, seen.up ? 1 : 0);
        }
        const availability = Array.from({ length: SLOTS }, (_, index) => {
          const count = counts.get(fromMs + index * SLOT_MS);
          return count === undefined ? null : count.well / count.asked;
        });
        return { ...stateOf(service), availability };
      });
    },
  };
}
