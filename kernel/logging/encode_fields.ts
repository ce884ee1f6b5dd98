import { isSecretKey, MASK } from "./mask_key.ts";
import { isCardNumber, maskText } from "./mask_text.ts";

/** Characters of one string, values of one array or object, depth, values and characters of one line. */
const MAX_TEXT = 4096;
const MAX_ITEMS = 100;
const MAX_DEPTH = 8;
const MAX_VALUES = 2000;
const MAX_LINE = 64 * 1024;
const MAX_CAUSES = 5;
/** Read past a cut and dropped again, so that no secret is cut in two and then missed. */
const MARGIN = 1024;
const UNREADABLE = '"[Unreadable]"';

/** Control, bidi and other invisible characters, and the line ends that JSON leaves as they are. */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function asEscape(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  return Array.from(
    { length: character.length },
    (_, i) => "\\u" + character.charCodeAt(i).toString(16).padStart(4, "0"),
  ).join("");
}

/** Masks and cuts a text. */
export function safeText(text: string, max = MAX_TEXT): string {
  if (text.length <= max) return maskText(text);
  const masked = maskText(text.slice(0, max + MARGIN));
  const kept = masked.slice(
    0,
    Math.max(0, Math.min(max, masked.length - MARGIN)),
  );
  return `${kept}… (${text.length} characters)`;
}

/** A masked text as one line without control characters, for text lines. */
export function oneLine(text: string): string {
  return safeText(text).toWellFormed().replace(INVISIBLE, asEscape);
}

/** A masked text as a JSON string without control characters. */
export function jsonText(text: string, max = MAX_TEXT): string {
  return JSON.stringify(safeText(text, max)).replace(INVISIBLE, asEscape);
}

const MAX_NAMES = 2000;
const encodedNames = new Map<string, string>();

/** {@link jsonText} of a field's name: a program uses few, again and again. */
function jsonName(name: string): string {
  const before = encodedNames.get(name);
  if (before !== undefined) return before;
  const json = jsonText(name);
  if (encodedNames.size >= MAX_NAMES) encodedNames.clear();
  if (name.length <= 128) encodedNames.set(name, json);
  return json;
}

/** How {@link encodeFields} writes. */
export interface EncodeOptions {
  /** Whether errors show their stack. */
  readonly stacks: boolean;
  /** Names that the line itself has: a field of such a name gets a `_` at its end. */
  readonly reserved: ReadonlySet<string>;
}

/**
 * The fields of a line as the inside of a JSON object: `"a":1,"b":"x"`, masked
 * by key and by value.
 *
 * Whatever the values are, it neither throws nor grows without bound: what is
 * circular, too deep, too long or unreadable is named in brackets instead.
 * It reads each property once, so that getters run once.
 */
export function encodeFields(fields: unknown, options: EncodeOptions): string {
  try {
    return new Encoder(options).members(fields as object, options.reserved);
  } catch {
    return `"fields":${UNREADABLE}`;
  }
}

class Encoder {
  readonly #stacks: boolean;
  /** The objects that hold the value being written. */
  readonly #path: object[] = [];
  #values = 0;
  #characters = 0;

  constructor(options: EncodeOptions) {
    this.#stacks = options.stacks;
  }

  /** The own enumerable properties of an object, without its braces. */
  members(object: object, reserved?: ReadonlySet<string>): string {
    const names = Object.keys(object);
    const parts: string[] = [];
    for (const name of names) {
      if (parts.length >= MAX_ITEMS || this.#full()) {
        parts.push(`"…":"${names.length - parts.length} more"`);
        break;
      }
      let shown = name;
      while (
        reserved?.has(shown) || (shown !== name && names.includes(shown))
      ) shown += "_";
      const value = this.#read(object, name);
      if (value === undefined) continue;
      const json = jsonName(shown);
      this.#characters += json.length;
      parts.push(`${json}:${value}`);
    }
    return parts.join(",");
  }

  #full(): boolean {
    return this.#values >= MAX_VALUES || this.#characters >= MAX_LINE;
  }

  #read(object: object, name: string): string | undefined {
    try {
      return this.#entry(name, (object as Record<string, unknown>)[name]);
    } catch {
      return UNREADABLE;
    }
  }

  /** A value under a name, which may make it a secret. */
  #entry(name: string, value: unknown): string | undefined {
    if (
      value !== null && value !== undefined && typeof value !== "boolean" &&
      isSecretKey(name)
    ) return `"${MASK}"`;
    return this.#value(value);
  }

  #text(text: string, max = MAX_TEXT): string {
    const json = jsonText(text, max);
    this.#characters += json.length;
    return json;
  }

  #value(value: unknown): string | undefined {
    this.#values++;
    switch (typeof value) {
      case "string":
        return this.#full() ? '"…"' : this.#text(value);
      case "number":
        if (!Number.isFinite(value)) return `"${value}"`;
        return value > 1e12 && isCardNumber(String(value))
          ? `"${MASK}"`
          : String(value);
      case "bigint":
        return this.#text(String(value));
      case "boolean":
        return String(value);
      case "undefined":
        return undefined;
      case "function":
        return '"[Function]"';
      case "symbol":
        return this.#text(String(value));
      default:
        return value === null ? "null" : this.#nested(value as object);
    }
  }

  #nested(object: object): string {
    if (this.#path.includes(object)) return '"[Circular]"';
    if (this.#path.length >= MAX_DEPTH) return '"[Too deep]"';
    if (this.#full()) return '"…"';
    this.#path.push(object);
    try {
      return this.#object(object);
    } catch {
      return UNREADABLE;
    } finally {
      this.#path.pop();
    }
  }

  #object(object: object): string {
    if (object instanceof Error) return this.#error(object);
    if (object instanceof Date) {
      const ms = object.getTime();
      return Number.isNaN(ms) ? '"Invalid Date"' : `"${object.toISOString()}"`;
    }
    if (Array.isArray(object)) return this.#list(object, object.length);
    if (object instanceof Set) return this.#list(object, object.size);
    if (object instanceof Map || object instanceof Headers) {
      return this.#pairs(
        object,
        object instanceof Map ? object.size : MAX_ITEMS,
      );
    }
    if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) {
      return `"[${object.byteLength} bytes]"`;
    }
    if (object instanceof URL || object instanceof RegExp) {
      return this.#text(String(object));
    }
    if (object instanceof Promise) return '"[Promise]"';
    const { toJSON } = object as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      return this.#value(toJSON.call(object)) ?? "null";
    }
    return `{${this.members(object)}}`;
  }

  /** An even number of items may be names and values in turn, as headers are: `["cookie", "…"]`. */
  #list(items: Iterable<unknown>, length: number): string {
    const inPairs = length % 2 === 0;
    const parts: string[] = [];
    let name: string | undefined;
    for (const item of items) {
      if (parts.length >= MAX_ITEMS || this.#full()) {
        parts.push(`"… ${length - parts.length} more"`);
        break;
      }
      const json = name === undefined
        ? this.#value(item)
        : this.#entry(name, item);
      parts.push(json ?? "null");
      name = inPairs && parts.length % 2 === 1 && typeof item === "string"
        ? item
        : undefined;
    }
    return `[${parts.join(",")}]`;
  }

  #pairs(pairs: Iterable<[unknown, unknown]>, size: number): string {
    const parts: string[] = [];
    for (const [key, value] of pairs) {
      if (parts.length >= MAX_ITEMS || this.#full()) {
        parts.push(`"…":"${size - parts.length} more"`);
        break;
      }
      const name = typeof key === "string" ? key : `[${typeof key}]`;
      parts.push(`${this.#text(name)}:${this.#entry(name, value) ?? "null"}`);
    }
    return `{${parts.join(",")}}`;
  }

  /** Name, message, code, facts, causes; the stack only where it is asked for. */
  #error(error: Error): string {
    const { code, facts, cause } = error as {
      code?: unknown;
      facts?: unknown;
      cause?: unknown;
    };
    const parts = [
      `"name":${this.#text(String(error.name))}`,
      `"message":${this.#text(String(error.message))}`,
    ];
    const add = (name: string, value: unknown) => {
      const json = this.#value(value);
      if (json !== undefined) parts.push(`"${name}":${json}`);
    };
    if (typeof code === "string" || typeof code === "number") add("code", code);
    if (typeof facts === "object" && facts !== null) {
      const inner = `{${this.members(facts)}}`;
      if (inner !== "{}") parts.push(`"facts":${inner}`);
    }
    const depth = this.#path.filter((holder) => holder instanceof Error).length;
    if (depth < MAX_CAUSES) {
      if (cause !== undefined) add("cause", cause);
      if (error instanceof AggregateError) add("errors", error.errors);
    }
    if (this.#stacks && typeof error.stack === "string") {
      parts.push(`"stack":${this.#text(error.stack, 2 * MAX_TEXT)}`);
    }
    return `{${parts.join(",")}}`;
  }
}
