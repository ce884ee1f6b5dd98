import { match, notStrictEqual, strictEqual } from "node:assert/strict";
import { newUserCode, tryParseUserCode } from "./user_code.ts";

Deno.test("newUserCode() makes codes without vowels and look-alikes", () => {
  notStrictEqual(newUserCode(), newUserCode());
  for (let i = 0; i < 100; i++) {
    const code = newUserCode();
    match(code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    strictEqual(tryParseUserCode(code), code);
  }
});

Deno.test("tryParseUserCode() forgives how a code is typed, not what it is", () => {
  for (
    const typed of ["wdjb mjht", "WDJBMJHT", " wdjb–mjht ", "W.D.J.B-MJHT"]
  ) {
    strictEqual(tryParseUserCode(typed), "WDJB-MJHT", typed);
  }
  for (const typed of ["", "WDJB-MJH", "WDJB-MJHTT", "wdjb-mjhä"]) {
    strictEqual(tryParseUserCode(typed), undefined, typed);
  }
});
