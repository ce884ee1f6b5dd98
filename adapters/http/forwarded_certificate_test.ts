import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { forwardedCertificate } from "./forwarded_certificate.ts";

Deno.test("forwardedCertificate() reads one byte sequence between colons", () => {
  assertEquals(forwardedCertificate(":AQID:"), {
    der: Uint8Array.of(1, 2, 3),
    trusted: true,
  });
});

Deno.test("forwardedCertificate() takes nothing else for a certificate", () => {
  for (
    const header of [null, "", "AQID", ":AQID", ":AQID:, :AQID:", "::", ":A:"]
  ) {
    strictEqual(forwardedCertificate(header), undefined, `${header}`);
  }
});
