/** Collects lines and writes them with few system calls. */
export interface LineWriter {
  write(line: string): void;
  /** Writes what is collected before it returns. */
  flush(): void;
}

const MAX_BUFFERED = 64 * 1024;
/** Tries of a write that a full non-blocking pipe refuses, before its lines are dropped. */
const MAX_REFUSALS = 100;

/**
 * A writer that gathers the lines of one turn of the event loop.
 *
 * A line is out before the loop waits for the next thing to happen, or at once
 * when 64 KiB have gathered, so that memory stays bounded and only a
 * crash that runs no code can lose lines, those of one turn. Writes
 * are synchronous: a reader that falls behind slows the process instead of
 * losing lines. A reader that is gone (`EPIPE`) silences the log and nothing else.
 *
 * @param writeSync Writes some of the bytes and says how many.
 */
export function createLineWriter(
  writeSync: (bytes: Uint8Array) => number,
): LineWriter {
  const encoder = new TextEncoder();
  let buffered = "";
  let scheduled = false;
  let closed = false;

  function flush(): void {
    scheduled = false;
    if (buffered === "") return;
    const bytes = encoder.encode(buffered);
    buffered = "";
    let written = 0;
    let refusals = 0;
    while (written < bytes.length && !closed) {
      try {
        written += writeSync(bytes.subarray(written));
      } catch (error) {
        if (!isRefusal(error)) closed = true;
        else if (++refusals >= MAX_REFUSALS) return;
        else pause();
      }
    }
  }

  return {
    write(line) {
      if (closed) return;
      buffered += line + "\n";
      if (buffered.length >= MAX_BUFFERED) return flush();
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    flush,
  };
}

const isRefusal = (error: unknown) =>
  error instanceof Error &&
  (error.name === "WouldBlock" || error.name === "Interrupted" ||
    (error as { code?: unknown }).code === "EAGAIN");

const pauseCell = new Int32Array(new SharedArrayBuffer(4));
const pause = () => void Atomics.wait(pauseCell, 0, 0, 1);

let standardOutput: LineWriter | undefined;

/** The one writer of this process's standard output; flushed when the process exits. */
export function standardOutputWriter(): LineWriter {
  if (standardOutput === undefined) {
    const writer = createLineWriter((bytes) => Deno.stdout.writeSync(bytes));
    // An error that nobody catches ends the process without `unload`.
    for (const end of ["unload", "error", "unhandledrejection"]) {
      globalThis.addEventListener(end, () => writer.flush());
    }
    standardOutput = writer;
  }
  return standardOutput;
}
