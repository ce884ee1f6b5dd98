import { match, notDeepStrictEqual, strictEqual } from "node:assert/strict";
import {
  newTotpSecret,
  otpauthUri,
  totpCode,
  totpSecretText,
  totpStepOf,
} from "./totp.ts";

const SECRET = new TextEncoder().encode("12345678901234567890");

Deno.test("totpCode() gives the codes of RFC 6238, appendix B", () => {
  for (
    const [seconds, code] of [
      ...[[59, "287082"], [1111111109, "081804"], [1111111111, "050471"]],
      ...[[1234567890, "005924"], [2000000000, "279037"]],
      ...[[20000000000, "353130"]],
    ] as const
  ) strictEqual(totpCode(SECRET, Math.floor(Number(seconds) / 30)), code);
});

Deno.test("totpStepOf() accepts one step to either side, and spaces", () => {
  const nowMs = 1_700_000_000_000;
  const now = Math.floor(nowMs / 30_000);
  for (const step of [now - 1, now, now + 1]) {
    strictEqual(totpStepOf(SECRET, totpCode(SECRET, step), nowMs), step);
  }
  for (const step of [now - 2, now + 2]) {
    strictEqual(totpStepOf(SECRET, totpCode(SECRET, step), nowMs), undefined);
  }
  const code = totpCode(SECRET, now);
  strictEqual(
    totpStepOf(SECRET, ` ${code.slice(0, 3)} ${code.slice(3)} `, nowMs),
    now,
  );
  for (
    const wrong of ["", "000000", code.slice(1), `${code}0`, "１２３４５６"]
  ) {
    strictEqual(totpStepOf(SECRET, wrong, nowMs), undefined, wrong);
  }
});

Deno.test("otpauthUri() names issuer and account, whatever they hold", () => {
  strictEqual(
    otpauthUri(SECRET, { issuer: "A & B", account: "ann:1@b" }),
    "otpauth://totp/A%20%26%20B:ann%3A1%40b" +
      "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A%20%26%20B" +
      "&algorithm=SHA1&digits=6&period=30",
  );
});

Deno.test("newTotpSecret() makes another one each time", () => {
  notDeepStrictEqual(newTotpSecret(), newTotpSecret());
  match(totpSecretText(newTotpSecret()), /^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
});
