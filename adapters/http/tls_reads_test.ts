import { strictEqual } from "node:assert/strict";
import {
  createTestAuthority,
  createTestCertificate,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import { tlsReads } from "./tls_reads.ts";

const subject = [["CN", "worker"]] as const;

function derOf({ cert }: TestCertificate): Uint8Array {
  return Uint8Array.fromBase64(cert.replaceAll(/-----[^-]+-----|\s/g, ""));
}

Deno.test("tlsReads() knows the certificates whose keys are checked", () => {
  const self = derOf(createTestCertificate({ subject }));
  strictEqual(tlsReads(self), true);
  strictEqual(tlsReads(derOf(createTestAuthority().issue({ subject }))), true);
});

Deno.test("tlsReads() knows those whose keys nobody checks", () => {
  const first = derOf(createTestCertificate({ subject, version: 1 }));
  strictEqual(tlsReads(first), false);
  const self = derOf(createTestCertificate({ subject }));
  strictEqual(tlsReads(Uint8Array.of(...self, 0)), false);
  strictEqual(tlsReads(self.subarray(0, -1)), false);
  strictEqual(tlsReads(new Uint8Array()), false);
});
