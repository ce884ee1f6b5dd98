import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import type { TlsPair } from "./tls_files.ts";

/** Far beyond the life of a process, which makes its certificate anew. */
const VALID_MS = 10 * 365 * 86_400_000;
/** Clients whose clock is a little behind must not find it "not yet valid". */
const BACKDATED_MS = 3_600_000;

const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const COMMON_NAME = "550403";
const SUBJECT_ALT_NAME = "551d11";
const EXTENDED_KEY_USAGE = "551d25";
const SERVER_AUTH = "2b06010505070301";

/**
 * Makes a P-256 key and a certificate for it, signed by itself (RFC 5280).
 *
 * One fixed shape, so it is written down here in DER: the packages that can do
 * it bring 6 to 20 others, and take 14 MB and 130 ms where this takes 1 ms.
 * node:crypto makes the key and the signature.
 *
 * @param hosts Names and addresses that it is valid for.
 * @param nowMs Epoch milliseconds.
 */
export function createSelfSignedCertificate(
  hosts: readonly string[],
  nowMs: number,
): TlsPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const name = sequence(
    der(
      TAG.set,
      sequence(oid(COMMON_NAME), text(TAG.utf8, "Mainstay admin server")),
    ),
  );
  const serial = randomBytes(16);
  // Positive, and its first byte needed: both are asked of an INTEGER.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const body = sequence(
    der(0xa0, der(TAG.integer, Uint8Array.of(2))),
    der(TAG.integer, serial),
    algorithm,
    name,
    sequence(time(nowMs - BACKDATED_MS), time(nowMs + VALID_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      sequence(
        extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName))),
        extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTH))),
      ),
    ),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(
    body,
    algorithm,
    der(TAG.bits, Uint8Array.of(0), signature),
  );
  return {
    cert: pem("CERTIFICATE", certificate),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...parts);
}

function oid(hex: string): Uint8Array {
  return der(TAG.oid, Buffer.from(hex, "hex"));
}

function text(tag: number, value: string): Uint8Array {
  return der(tag, new TextEncoder().encode(value));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), der(TAG.octets, value));
}

/** `UTCTime` until 2049, `GeneralizedTime` from then on (RFC 5280, 4.1.2.5). */
function time(epochMs: number): Uint8Array {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, "");
  const all = `${digits.slice(0, 14)}Z`;
  return Number(all.slice(0, 4)) < 2050
    ? text(TAG.utcTime, all.slice(2))
    : text(TAG.generalizedTime, all);
}

/** `dNSName` or `iPAddress`. */
function generalName(host: string): Uint8Array {
  const family = isIP(host);
  if (family === 4) return der(0x87, Uint8Array.from(host.split("."), Number));
  if (family === 6) return der(0x87, ipv6Bytes(host));
  return text(0x82, host);
}

function ipv6Bytes(address: string): Uint8Array {
  // URL writes any IPv6 address as hexadecimal groups.
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail = ""] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return Uint8Array.from(
    [...left, ...zeros, ...right].flatMap((group) => {
      const value = parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function pem(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content).toString("base64").replace(
    /.{1,64}/g,
    "$&\n",
  );
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
