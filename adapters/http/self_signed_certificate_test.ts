import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSelfSignedCertificate } from "./self_signed_certificate.ts";

const NOW = Date.UTC(2026, 0, 2);

Deno.test("createSelfSignedCertificate() makes a pair that verifies", () => {
  const { cert, key } = createSelfSignedCertificate(["localhost"], NOW);
  const certificate = new X509Certificate(cert);
  ok(certificate.verify(certificate.publicKey));
  ok(certificate.checkPrivateKey(createPrivateKey(key)));
});

Deno.test("createSelfSignedCertificate() names its hosts", () => {
  const { cert } = createSelfSignedCertificate(
    ["localhost", "127.0.0.1", "::1", "2001:db8::7"],
    NOW,
  );
  const certificate = new X509Certificate(cert);
  strictEqual(certificate.checkHost("localhost"), "localhost");
  strictEqual(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  strictEqual(certificate.checkIP("::1"), "::1");
  strictEqual(certificate.checkIP("2001:db8::7"), "2001:db8::7");
  strictEqual(certificate.checkHost("example.org"), undefined);
});

Deno.test("createSelfSignedCertificate() is valid from before now, also past 2050", () => {
  for (const now of [NOW, Date.UTC(2049, 6, 1), Date.UTC(2060, 0, 1)]) {
    const { cert } = createSelfSignedCertificate(["localhost"], now);
    const { validFrom, validTo } = new X509Certificate(cert);
    strictEqual(Date.parse(validFrom), now - 3_600_000);
    strictEqual(Date.parse(validTo), now + 3650 * 86_400_000);
  }
});

Deno.test("createSelfSignedCertificate() never repeats a serial number", () => {
  const serials = Array.from(
    { length: 20 },
    () =>
      new X509Certificate(createSelfSignedCertificate(["localhost"], NOW).cert)
        .serialNumber,
  );
  deepStrictEqual(new Set(serials).size, 20);
});
