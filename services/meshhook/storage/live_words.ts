/**
 * What is said on the channel of live logs. A notification holds less than
 * 8,000 bytes, so it carries numbers, and the rows are read by them.
 *
 * @module
 */
import type { RunAdvance } from "../domain/live_log.ts";

export const LIVE_CHANNEL = "meshhook_live";
const MAX_BYTES = 7_900;

/** One notification. */
export type LiveWord =
  | { readonly runs: ReadonlyArray<readonly [string, string, number, number]> }
  /** Some could not be told. */
  | { readonly missed: boolean }
  | { readonly said: string };

/** As few notifications as hold all of it. */
export function advanceWords(advances: Iterable<RunAdvance>): string[] {
  const words: string[] = [];
  let entries: string[] = [];
  let bytes = 0;
  const close = () => {
    if (entries.length > 0) words.push(`{"runs":[${entries.join()}]}`);
    entries = [];
    bytes = 20;
  };
  close();
  for (const { projectId, runId, from, to } of advances) {
    const entry = JSON.stringify([projectId, runId, from, to]);
    const length = new TextEncoder().encode(entry).length + 1;
    if (bytes + length > MAX_BYTES) close();
    entries.push(entry);
    bytes += length;
  }
  close();
  return words;
}

/** What was said; undefined for what is none of ours. */
export function parseLiveWord(payload: string): LiveWord | undefined {
  try {
    const word = JSON.parse(payload);
    return typeof word === "object" && word !== null ? word : undefined;
  } catch {
    return undefined;
  }
}
