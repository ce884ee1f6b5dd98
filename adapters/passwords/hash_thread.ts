/**
 * One argon2id hash, then this thread ends.
 *
 * @module
 */
import { argon2id, argon2Verify } from "hash-wasm";

/** What the main thread asks. */
export interface HashTask {
  readonly password: string;
  /** Checked against `password`; without it, a new hash is made. */
  readonly encoded?: string | undefined;
}

/** What it is answered: a new hash, or whether the password is the one. */
export type HashResult = string | boolean;

const KIB = 32_768;
const PASSES = 2;

// The libraries of Deno describe either a window or a worker, and these are
// checked together with what runs in windows.
const thread = self as unknown as {
  onmessage: (event: MessageEvent<HashTask>) => void;
  postMessage(result: HashResult): void;
};

thread.onmessage = async ({ data: { password, encoded } }) => {
  const result = encoded === undefined
    ? await argon2id({
      password,
      salt: crypto.getRandomValues(new Uint8Array(16)),
      memorySize: KIB,
      iterations: PASSES,
      parallelism: 1,
      hashLength: 32,
      outputType: "encoded",
    })
    : await argon2Verify({ password, hash: encoded });
  thread.postMessage(result);
};
