/**
 * Messages of Phoenix channels over a WebSocket, in both serializations: 1.0.0
 * writes objects, 2.0.0 arrays.
 *
 * @module
 */

/** The serializations that clients may ask for. */
export const PHOENIX_VERSIONS = ["1.0.0", "2.0.0"] as const;
export type PhoenixVersion = (typeof PHOENIX_VERSIONS)[number];

/** One message, either way. */
export interface PhoenixMessage {
  /** Which join of its topic it belongs to. */
  readonly joinRef: string | null;
  /** What an answer is told by. */
  readonly ref: string | null;
  readonly topic: string;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Of a binary frame: a broadcast that a client pushes. */
const PUSHED_BROADCAST = 3;
const HEADER_BYTES = 7;

/** Reads a frame; undefined for what is no message. */
export function tryParseMessage(
  frame: string | ArrayBuffer,
  version: PhoenixVersion,
): PhoenixMessage | undefined {
  if (typeof frame !== "string") {
    return version === "2.0.0" ? pushedBroadcast(frame) : undefined;
  }
  let given: unknown;
  try {
    given = JSON.parse(frame);
  } catch {
    return undefined;
  }
  if (version === "2.0.0") {
    if (!Array.isArray(given) || given.length !== 5) return undefined;
    const [joinRef, ref, topic, event, payload] = given;
    return messageOf({ joinRef, ref, topic, event, payload });
  }
  if (!isObject(given)) return undefined;
  const { join_ref: joinRef, ref, topic, event, payload } = given;
  return messageOf({ joinRef, ref, topic, event, payload });
}

/** Writes a message whose payload is JSON already. */
export function messageText(
  { joinRef, ref, topic, event, payloadText }:
    & Omit<PhoenixMessage, "payload">
    & { readonly payloadText: string },
  version: PhoenixVersion,
): string {
  const [join, own, place, name] = [joinRef, ref, topic, event].map((part) =>
    JSON.stringify(part)
  );
  return version === "2.0.0"
    ? `[${join},${own},${place},${name},${payloadText}]`
    : `{"join_ref":${join},"ref":${own},"topic":${place},"event":${name},"payload":${payloadText}}`;
}

function messageOf(
  given: Readonly<Record<keyof PhoenixMessage, unknown>>,
): PhoenixMessage | undefined {
  const { joinRef = null, ref = null, topic, event, payload = {} } = given;
  const known = isRef(joinRef) && isRef(ref) && typeof topic === "string" &&
    typeof event === "string" && isObject(payload);
  return known ? { joinRef, ref, topic, event, payload } : undefined;
}

/** Its lengths stand in front: join ref, ref, topic, event, metadata; then the encoding. */
function pushedBroadcast(frame: ArrayBuffer): PhoenixMessage | undefined {
  const bytes = new Uint8Array(frame);
  if (bytes.length < HEADER_BYTES || bytes[0] !== PUSHED_BROADCAST) {
    return undefined;
  }
  const decoder = new TextDecoder();
  let at = HEADER_BYTES;
  const [joinRef = "", ref = "", topic = ""] = [...bytes.subarray(1, 4)].map(
    (length) => decoder.decode(bytes.subarray(at, at += length)),
  );
  if (at > bytes.length) return undefined;
  return {
    joinRef: joinRef || null,
    ref: ref || null,
    topic,
    event: "broadcast",
    payload: {},
  };
}

function isRef(value: unknown): value is string | null {
  return value === null || (typeof value === "string" && value.length <= 64);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
