import { match, strictEqual, throws } from "node:assert/strict";
import {
  createTestAuthority,
  createTestCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from "@mainstay/adapters/testing";
import {
  certificateThumbprint,
  isRegistered,
  namesClient,
} from "./client_certificate.ts";
import { normalizedName, subjectOf } from "./distinguished_name.ts";

const authority = createTestAuthority();
const subject = [["C", "DE"], ["O", "Acme, Inc."], ["CN", "worker"]] as const;
const der = derOf(authority.issue({ subject }));
const tlsSubjectDn = "CN=worker,O=Acme\\, Inc.,C=DE";

function derOf({ cert }: TestCertificate): Uint8Array {
  return Uint8Array.fromBase64(cert.replaceAll(/-----[^-]+-----|\s/g, ""));
}

Deno.test("subjectOf() writes a name as RFC 4514 does", () => {
  strictEqual(subjectOf(der), tlsSubjectDn);
});

Deno.test("subjectOf() does not take a part for two", () => {
  const forged: TestCertificateOptions["subject"] = [
    ["CN", "x\nO=Acme, Inc.,CN=worker"],
  ];
  strictEqual(
    subjectOf(derOf(authority.issue({ subject: forged }))),
    "CN=x\nO=Acme\\, Inc.\\,CN=worker",
  );
});

Deno.test("subjectOf() takes nothing else for a certificate", () => {
  throws(() => subjectOf(new Uint8Array()), RangeError);
  throws(() => subjectOf(Uint8Array.of(1, 2, 3)), RangeError);
  throws(() => subjectOf(der.subarray(0, 100)), RangeError);
});

Deno.test("normalizedName() makes one of the spellings of a name", () => {
  strictEqual(
    normalizedName("cn = worker , o=Acme\\, Inc., C=DE"),
    tlsSubjectDn,
  );
});

Deno.test("namesClient() needs an authority and the whole name", () => {
  const client = { tlsSubjectDn };
  strictEqual(namesClient({ der, trusted: true }, client), true);
  strictEqual(namesClient({ der, trusted: false }, client), false);
  for (const other of ["CN=worker", "O=Acme\\, Inc.,CN=worker,C=DE", ""]) {
    strictEqual(
      namesClient({ der, trusted: true }, { tlsSubjectDn: other }),
      false,
      other,
    );
  }
  strictEqual(namesClient({ der, trusted: true }, {}), false);
});

Deno.test("isRegistered() compares the certificate, not its name", () => {
  const twin = derOf(createTestCertificate({ subject }));
  const keys = [{ kty: "EC", x5c: [der.toBase64()] }];

  strictEqual(isRegistered({ der, trusted: false }, keys), true);
  strictEqual(isRegistered({ der: twin, trusted: true }, keys), false);
  const named = [{ kty: "EC", "x5t#S256": certificateThumbprint(der) }];
  strictEqual(isRegistered({ der, trusted: false }, named), true);
  strictEqual(isRegistered({ der: twin, trusted: false }, named), false);
});

Deno.test("certificateThumbprint() is SHA-256 in base64url", () => {
  match(certificateThumbprint(der), /^[A-Za-z0-9_-]{43}$/);
});
