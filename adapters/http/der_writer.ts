/**
 * DER, as certificates are written in (X.690).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isIP } from "node:net";

/** Tags of the types that certificates are made of. */
export const TAG = {
  boolean: 0x01,
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

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...parts);
}

export function oid(hex: string): Uint8Array {
  return der(TAG.oid, Buffer.from(hex, "hex"));
}

export function text(tag: number, value: string): Uint8Array {
  return der(tag, new TextEncoder().encode(value));
}

export function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), der(TAG.octets, value));
}

/** `UTCTime` until 2049, `GeneralizedTime` from then on (RFC 5280, 4.1.2.5). */
export function time(epochMs: number): Uint8Array {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, "");
  const all = `${digits.slice(0, 14)}Z`;
  return Number(all.slice(0, 4)) < 2050
    ? text(TAG.utcTime, all.slice(2))
    : text(TAG.generalizedTime, all);
}

/** `dNSName` or `iPAddress`. */
export function generalName(host: string): Uint8Array {
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

export function pem(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content).toString("base64").replace(
    /.{1,64}/g,
    "$&\n",
  );
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
