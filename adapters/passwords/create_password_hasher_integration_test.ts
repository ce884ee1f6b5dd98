import {
  match,
  notStrictEqual,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { assertFaster, bestOfThree, TooSlow } from "@mainstay/adapters/testing";
import { argon2id } from "hash-wasm";
import { createPasswordHasher, HashingOverloaded } from "./mod.ts";

function hasherOf(options?: Parameters<typeof createPasswordHasher>[0]) {
  const hasher = createPasswordHasher(options);
  return { hasher, [Symbol.dispose]: hasher.close };
}

Deno.test("verify() knows the password of a hash, and no other", async () => {
  using made = hasherOf();
  const { hasher } = made;
  const encoded = await hasher.hash("correct horse ✓");
  match(encoded, /^\$argon2id\$v=19\$m=32768,t=2,p=1\$/);
  notStrictEqual(await hasher.hash("correct horse ✓"), encoded);
  strictEqual(await hasher.verify("correct horse ✓", encoded), true);
  strictEqual(await hasher.verify("correct horse", encoded), false);
  strictEqual(await hasher.verify("", encoded), false);
  strictEqual(await hasher.verify("", undefined), false);
});

Deno.test("verify() checks hashes of other parameters", async () => {
  using made = hasherOf();
  const old = await argon2id({
    password: "correct horse",
    salt: new Uint8Array(16),
    memorySize: 8_192,
    iterations: 1,
    parallelism: 1,
    hashLength: 32,
    outputType: "encoded",
  });
  strictEqual(await made.hasher.verify("correct horse", old), true);
});

Deno.test("verify() takes as long without a hash as with one", async () => {
  using made = hasherOf({ threads: 1 });
  const { hasher } = made;
  const encoded = await hasher.hash("correct horse");
  await hasher.verify("warm", undefined);
  await bestOfThree(async () => {
    const spent = { known: 0, unknown: 0 };
    for (let i = 0; i < 10; i++) {
      for (
        const [kind, against] of [["known", encoded], [
          "unknown",
          undefined,
        ]] as const
      ) {
        const from = performance.now();
        await hasher.verify("wrong horse", against);
        spent[kind] += performance.now() - from;
      }
    }
    const ratio = spent.unknown / spent.known;
    if (ratio < 0.7 || ratio > 1.4) throw new TooSlow(`${ratio}`);
  });
});

Deno.test("hash() leaves the main thread free", async () => {
  using made = hasherOf({ threads: 1 });
  const { hasher } = made;
  await hasher.hash("warm");
  await bestOfThree(async () => {
    let worst = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      worst = Math.max(worst, performance.now() - last);
      last = performance.now();
    }, 5);
    const from = performance.now();
    try {
      for (let i = 0; i < 3; i++) await hasher.hash("correct horse");
    } finally {
      clearInterval(timer);
    }
    assertFaster(worst, (performance.now() - from) / 4, "The longest block");
  });
});

Deno.test("hash() refuses what would wait too long", async () => {
  using made = hasherOf({ threads: 1, maxWaiting: 1 });
  const { hasher } = made;
  const first = hasher.hash("a");
  const second = hasher.hash("b");
  await rejects(hasher.hash("c"), HashingOverloaded);
  await Promise.all([first, second]);
  await hasher.hash("d");
});

Deno.test("close() ends every thread, and hashes no more", async () => {
  const hasher = createPasswordHasher();
  await hasher.hash("a");
  hasher.close();
  hasher.close();
  await rejects(hasher.hash("a"), TypeError);
});
