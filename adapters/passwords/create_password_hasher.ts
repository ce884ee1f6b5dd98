/**
 * argon2id, with bounded memory and a bounded queue.
 *
 * @module
 */
import { OperationalError } from "@mainstay/kernel/errors";
// The types come from the thread's own file, so that whoever fetches what this
// imports fetches what the thread needs as well.
import type { HashResult, HashTask } from "./hash_thread.ts";

/** Makes and checks password hashes. */
export interface PasswordHasher {
  /**
   * A new hash in the PHC string format, with a salt of its own.
   *
   * @throws {HashingOverloaded}
   */
  hash(password: string): Promise<string>;
  /**
   * Whether `encoded` was made of `password`. Without `encoded` it says no
   * after the time that a real hash takes, so that nobody learns from the time
   * whether there is an account.
   *
   * @throws {HashingOverloaded}
   */
  verify(password: string, encoded: string | undefined): Promise<boolean>;
  /** Ends the threads; what they had in hand is never answered. Idempotent. */
  close(): void;
}

/** How much may happen at once. */
export interface PasswordHasherOptions {
  /** Hashes at the same time; each has a core and 32 MiB for 60–90 ms. Default: cores, at most 4. */
  readonly threads?: number;
  /** Hashes that wait for a thread. Default 100: about 5 s of work for 2 threads. */
  readonly maxWaiting?: number;
}

/** More passwords came than can be hashed in reasonable time. */
export class HashingOverloaded extends OperationalError<"hashing-overloaded"> {
  constructor() {
    super(
      "hashing-overloaded",
      "Cannot check the password: too many are being checked at once",
      { retryable: true, retryAfterMs: 2_000 },
    );
  }
}

/** Deno's own addition to the standard's options. */
const NO_PERMISSIONS: WorkerOptions & { deno: { permissions: "none" } } = {
  type: "module",
  name: "password-hash",
  deno: { permissions: "none" },
};

/**
 * Starts hashing threads as they are needed.
 *
 * Each hash has a thread of its own that ends with it, and one thread is kept
 * ready. A thread that goes on leaves its hashes' memory to the collector: one
 * thread then grew to 450 MB in a hundred hashes, and these stay at 95 MB, for
 * 30 ms of CPU that nobody waits for.
 */
export function createPasswordHasher(
  options: PasswordHasherOptions = {},
): PasswordHasher {
  const threads = options.threads ?? Math.min(4, navigator.hardwareConcurrency);
  const maxWaiting = options.maxWaiting ?? 100;
  const running = new Set<Worker>();
  const waiting: Array<() => void> = [];
  let ready: Worker | undefined;
  let busy = 0;
  let closed = false;
  let decoy: Promise<string> | undefined;

  function start(): Worker {
    const worker = new Worker(
      new URL("./hash_thread.ts", import.meta.url),
      NO_PERMISSIONS,
    );
    running.add(worker);
    return worker;
  }

  function end(worker: Worker): void {
    running.delete(worker);
    worker.terminate();
  }

  async function run<Result extends HashResult>(
    task: HashTask,
  ): Promise<Result> {
    if (closed) throw new TypeError("Cannot hash: the hasher is closed");
    if (busy >= threads) {
      if (waiting.length >= maxWaiting) throw new HashingOverloaded();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      busy++;
    }
    const worker = ready ?? start();
    ready = undefined;
    try {
      const answer = new Promise<HashResult>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<HashResult>) =>
          resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(`A hashing thread has failed: ${event.message}`));
        };
      });
      worker.postMessage(task);
      return await answer as Result;
    } finally {
      end(worker);
      if (!closed) ready ??= start();
      const next = waiting.shift();
      if (next === undefined) busy--;
      else next();
    }
  }

  const hash = (password: string) => run<string>({ password });
  return {
    hash,
    async verify(password, encoded) {
      const against = encoded ?? await (decoy ??= hash(crypto.randomUUID()));
      const right = await run<boolean>({
        // No one's password is empty, and argon2 has no hash of one.
        password: password === "" ? "\0" : password,
        encoded: against,
      });
      return right && encoded !== undefined && password !== "";
    },
    close() {
      closed = true;
      waiting.length = 0;
      for (const worker of running) end(worker);
    },
  };
}
