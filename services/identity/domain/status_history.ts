import type { ServiceHistory, Sighting } from "./status_board.ts";

/** Keeps what was seen of services for a day, for all who watch. */
export interface StatusHistory {
  /**
   * Adds what was seen, and forgets what is older than a day.
   *
   * @returns All that is known of the last day, this included.
   */
  record(
    sightings: readonly Sighting[],
    sinceMs: number,
  ): Promise<readonly ServiceHistory[]>;
}
