/**
 * Names in certificates, as operators write them (RFC 4514).
 *
 * @module
 */

/** What RFC 4514 and openssl have short names for. */
const TYPES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "SERIALNUMBER",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "EMAILADDRESS",
};

const TAG = { oid: 0x06, sequence: 0x30, set: 0x31, version: 0xa0 };
const UTF8_LIKE = new Set([0x0c, 0x13, 0x14, 0x16]);
const BMP = 0x1e;

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * The subject of a certificate: `CN=worker,O=Acme\, Inc.,C=DE`.
 *
 * Read from the certificate itself: the text that node:crypto makes of it joins
 * the parts with line ends, which a part may hold too.
 *
 * @param certificate DER.
 * @throws {RangeError} If it is no certificate.
 */
export function subjectOf(certificate: Uint8Array): string {
  const [whole] = elements(certificate);
  const [body] = elements(contentOf(whole, TAG.sequence));
  const fields = elements(contentOf(body, TAG.sequence));
  const at = fields[0]?.tag === TAG.version ? 5 : 4;
  const sets = elements(contentOf(fields[at], TAG.sequence));
  const names = sets.map((set) =>
    elements(contentOf(set, TAG.set)).map(attributeOf).join("+")
  );
  return names.toReversed().join(",");
}

/** The same name, however it was written: spaces around parts, case of types. */
export function normalizedName(name: string): string {
  const parts = name.match(/(?:\\.|[^\\,])+/gs) ?? [];
  return parts.map((part) => {
    const [, type = "", value = ""] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/s
      .exec(part) ?? [];
    return `${type.toUpperCase()}=${value}`;
  }).join(",");
}

function attributeOf(element: Element): string {
  const [type, value] = elements(contentOf(element, TAG.sequence));
  const oid = dotted(contentOf(type, TAG.oid));
  const text = value && textOf(value);
  if (text === undefined) throw new RangeError("is no certificate");
  return `${TYPES[oid] ?? oid}=${escape(text)}`;
}

function textOf({ tag, content }: Element): string | undefined {
  if (UTF8_LIKE.has(tag)) {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  }
  if (tag !== BMP) return undefined;
  return new TextDecoder("utf-16be", { fatal: true }).decode(content);
}

/** RFC 4514, 2.4. */
function escape(value: string): string {
  return value.replaceAll(/[",+;<>\\]|^[ #]| $/g, "\\$&")
    .replaceAll("\0", "\\00");
}

function dotted(bytes: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  const arc = Math.min(2, Math.floor(first / 40));
  return [arc, first - 40 * arc, ...rest].join(".");
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag === tag) return element.content;
  throw new RangeError("is no certificate");
}

function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? NaN;
    at += 2;
    if (length > 0x80) {
      const count = length - 0x80;
      length = 0;
      for (const byte of bytes.subarray(at, at + count)) {
        length = length * 256 + byte;
      }
      at += count;
    }
    if (!(at + length <= bytes.length)) {
      throw new RangeError("is no certificate");
    }
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
