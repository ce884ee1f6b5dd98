import { readFileSync } from "node:fs";

/** The process that another one has started; undefined between two of them. */
export function childProcessOf(parent: number): number | undefined {
  try {
    const path = `/proc/${parent}/task/${parent}/children`;
    const [pid] = readFileSync(path, "utf8").trim().split(" ").map(Number);
    return pid || undefined;
  } catch {
    return undefined;
  }
}
