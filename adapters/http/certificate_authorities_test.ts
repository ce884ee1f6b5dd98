import { strictEqual, throws } from "node:assert/strict";
import {
  createTestAuthority,
  createTestCertificate,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import { certificateAuthorities } from "./certificate_authorities.ts";

const subject = [["CN", "worker"]] as const;

function derOf({ cert }: TestCertificate): Uint8Array {
  return Uint8Array.fromBase64(cert.replaceAll(/-----[^-]+-----|\s/g, ""));
}

Deno.test("authorities have issued what they signed, not what names them", () => {
  const [one, two, stranger] = [1, 2, 3].map(() => createTestAuthority());
  const authorities = certificateAuthorities(`${one!.cert}\n${two!.cert}`);

  for (const authority of [one!, two!]) {
    const der = derOf(authority.issue({ subject }));
    strictEqual(authorities.haveIssued(der), true);
  }
  // All three have the same name.
  const foreign = derOf(stranger!.issue({ subject }));
  strictEqual(authorities.haveIssued(foreign), false);
  const own = derOf(createTestCertificate({ subject }));
  strictEqual(authorities.haveIssued(own), false);
});

Deno.test("a file without an authority is a mistake", () => {
  throws(() => certificateAuthorities("nothing"), RangeError);
});
