declare const brand: unique symbol;

/** A Redis stream entry id, `<milliseconds>-<sequence>`. */
export type StreamId = string & { readonly [brand]: "StreamId" };

const STREAM_ID = /^\d+-\d+$/;

/** Whether `text` is a stream id. */
export function isStreamId(text: string): text is StreamId {
  return STREAM_ID.test(text);
}

/** Negative, zero or positive as `a` was added before, is, or was added after `b`. */
export function compareStreamIds(a: StreamId, b: StreamId): number {
  const [aMs = "", aSeq = ""] = a.split("-");
  const [bMs = "", bSeq = ""] = b.split("-");
  return compareDigits(aMs, bMs) || compareDigits(aSeq, bSeq);
}

function compareDigits(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** A JSON object. */
export type EventData = Readonly<Record<string, unknown>>;

/** What a publisher sends, validated. */
export interface NewEvent {
  /** The event type, `[A-Za-z0-9._:-]{1,255}`. */
  readonly event: string;
  /** What the event is about; events of one aggregate are processed in order. */
  readonly aggregateId: string;
  /** `data` as the JSON text that is stored, at most 10,240 bytes. */
  readonly json: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The publisher's own id: a second event with it within 24 h adds nothing. */
  readonly id?: string;
}

/** An entry of the stream that is a valid event. */
export interface StoredEvent {
  readonly streamId: StreamId;
  readonly shard: number;
  readonly event: string;
  readonly aggregateId: string;
  readonly data: EventData;
  /** `data` as the JSON text that is stored: numbers that a double cannot hold are exact here only. */
  readonly json: string;
  readonly headers: Readonly<Record<string, string>>;
  /** When it was accepted, ISO 8601 with milliseconds. */
  readonly timestamp: string;
}

/** An entry of the stream that someone else wrote and that is no valid event. */
export interface ForeignEntry {
  readonly streamId: StreamId;
  readonly shard: number;
  readonly fields: Readonly<Record<string, string>>;
  /** What is wrong with it. */
  readonly reason: string;
}
