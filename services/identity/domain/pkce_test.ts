import { strictEqual } from "node:assert/strict";
import { isCodeChallenge, verifiesChallenge } from "./pkce.ts";

// RFC 7636, appendix B.
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

Deno.test("verifiesChallenge() takes the one verifier of a challenge", () => {
  strictEqual(verifiesChallenge(VERIFIER, CHALLENGE), true);
  strictEqual(verifiesChallenge(CHALLENGE, CHALLENGE), false);
  strictEqual(verifiesChallenge(`${VERIFIER} `, CHALLENGE), false);
  strictEqual(verifiesChallenge("", CHALLENGE), false);
});

Deno.test("verifiesChallenge() refuses a verifier that could be guessed", async () => {
  const short = "a".repeat(42);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(short),
  );
  const challenge = new Uint8Array(digest)
    .toBase64({ alphabet: "base64url", omitPadding: true });
  strictEqual(verifiesChallenge(short, challenge), false);
});

Deno.test("isCodeChallenge() takes a SHA-256 in base64url alone", () => {
  strictEqual(isCodeChallenge(CHALLENGE), true);
  for (
    const text of [
      "",
      CHALLENGE.slice(1),
      `${CHALLENGE}=`,
      `${CHALLENGE}\n`,
      CHALLENGE.replace("-", "+"),
    ]
  ) strictEqual(isCodeChallenge(text), false, text);
});
