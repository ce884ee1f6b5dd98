import process from "node:process";

/**
 * The control group's limit of this process' memory, in bytes; undefined where
 * there is none, or it may not be read (`--allow-sys=systemMemoryInfo`).
 */
export function memoryLimit(): number | undefined {
  try {
    const limit = process.constrainedMemory();
    // "No limit" is 0 or a number beyond any machine.
    return limit > 0 && limit < 2 ** 52 ? limit : undefined;
  } catch {
    return undefined;
  }
}
