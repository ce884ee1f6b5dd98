/** A lock on a file, held until it is disposed or its process ends in any way. */
export interface FileLock extends Disposable {
  /** Writes who holds it, for {@link tryLockFile}'s refusal. */
  describe(text: string): void;
}

/** Waits for the lock on `path`, which is created if missing. */
export async function lockFile(path: string): Promise<FileLock> {
  const file = await openLock(path);
  await file.lock(true);
  return hold(file);
}

/**
 * Takes the lock on `path` if it is free.
 *
 * @returns The lock, or what its holder wrote about itself.
 */
export async function tryLockFile(path: string): Promise<FileLock | string> {
  const file = await openLock(path);
  if (await file.tryLock(true)) return hold(file);
  file.close();
  return (await Deno.readTextFile(path)).trim();
}

function openLock(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, {
    read: true,
    write: true,
    create: true,
    mode: 0o600,
  });
}

function hold(file: Deno.FsFile): FileLock {
  return {
    describe(text) {
      file.truncateSync();
      file.seekSync(0, Deno.SeekMode.Start);
      file.writeSync(new TextEncoder().encode(text));
    },
    [Symbol.dispose]: () => file.close(),
  };
}
