import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { createSealed } from "./sealed.ts";

const encryption = createKeyEncryption([new Uint8Array(32).fill(1)]);

Deno.test("tryOpen() gives back what was sealed, until it is too old", () => {
  let nowMs = 0;
  const sealed = createSealed<{ a: number }>("x", encryption, () => nowMs);
  const text = sealed.seal({ a: 1 }, 1_000);
  deepStrictEqual(sealed.tryOpen(text), { a: 1 });
  nowMs = 999;
  deepStrictEqual(sealed.tryOpen(text), { a: 1 });
  nowMs = 1_000;
  strictEqual(sealed.tryOpen(text), undefined);
});

Deno.test("tryOpen() takes nothing of another use, another key, or changed", () => {
  const now = () => 0;
  const sealed = createSealed("x", encryption, now);
  const text = sealed.seal("secret", 1_000);
  strictEqual(createSealed("y", encryption, now).tryOpen(text), undefined);
  const other = createKeyEncryption([new Uint8Array(32).fill(2)]);
  strictEqual(createSealed("x", other, now).tryOpen(text), undefined);
  for (let at = 0; at < text.length - 1; at += 7) {
    const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") +
      text.slice(at + 1);
    strictEqual(sealed.tryOpen(changed), undefined, `${at}`);
  }
  for (const nothing of [undefined, "", "x", "{}"]) {
    strictEqual(sealed.tryOpen(nothing), undefined);
  }
  strictEqual(text.includes("secret"), false);
});
