import {
  deepStrictEqual,
  match,
  notDeepStrictEqual,
  strictEqual,
} from "node:assert/strict";
import { hashRecoveryCode, newRecoveryCodes } from "./recovery_code.ts";

Deno.test("newRecoveryCodes() makes ten, no two the same", () => {
  const codes = [...newRecoveryCodes(), ...newRecoveryCodes()];
  strictEqual(new Set(codes).size, 20);
  for (const code of codes) {
    match(code, /^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
  }
});

Deno.test("hashRecoveryCode() forgives how a code is typed", () => {
  deepStrictEqual(
    hashRecoveryCode(" ABCO-efgi 12l4-5678 "),
    hashRecoveryCode("abc0-efg1-1214-5678"),
  );
  notDeepStrictEqual(
    hashRecoveryCode("abc0-efg1-1214-5678"),
    hashRecoveryCode("abc0-efg1-1214-5679"),
  );
});
