import { ok } from "node:assert/strict";
import type { ShownPage } from "./browser.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The secret that a page gives to an authenticator app. */
export function shownTotpSecret({ text }: ShownPage): Uint8Array {
  const shown = /<p class="mono">([A-Z2-7 ]+)<\/p>/.exec(text)?.[1];
  ok(shown, text);
  const bits = [...shown.replaceAll(" ", "")]
    .map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  return Uint8Array.from(bits.match(/.{8}/g)!, (byte) => parseInt(byte, 2));
}
