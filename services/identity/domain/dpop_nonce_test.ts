import { notStrictEqual, strictEqual } from "node:assert/strict";
import { createDpopNonces } from "./dpop_nonce.ts";

const NOW_MS = 1_767_225_600_000;
const secret = new Uint8Array(32).fill(1);

Deno.test("a nonce is taken for one to two minutes, by every replica", () => {
  const nonce = createDpopNonces(secret).current(NOW_MS);
  const replica = createDpopNonces(secret);

  strictEqual(replica.accepts(nonce, NOW_MS), true);
  strictEqual(replica.accepts(nonce, NOW_MS + 119_999), true);
  strictEqual(replica.accepts(nonce, NOW_MS + 120_000), false);
  strictEqual(replica.accepts(nonce, NOW_MS - 1), false);
});

Deno.test("a nonce of another secret, or none at all, is not taken", () => {
  const nonces = createDpopNonces(secret);
  const other = createDpopNonces(new Uint8Array(32).fill(2)).current(NOW_MS);

  notStrictEqual(other, nonces.current(NOW_MS));
  for (const nonce of [other, "", nonces.current(NOW_MS).slice(1)]) {
    strictEqual(nonces.accepts(nonce, NOW_MS), false);
  }
});
