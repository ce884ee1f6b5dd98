/** What a caller keeps on the resource server. */
export interface Resource {
  readonly id: string;
  readonly name: string;
  readonly content: string;
  /** The subject of the token that created it. */
  readonly owner: string;
  readonly createdAt: Date;
}

/** A resource before it is stored. */
export interface NewResource {
  /** Chosen by the caller, so that a repeat does no harm. */
  readonly id?: string;
  readonly name: string;
  readonly content: string;
  readonly owner: string;
}

/** Where a page of resources ended. */
export interface ResourcePlace {
  readonly createdAtMs: number;
  readonly id: string;
}

const PLACE = /^(\d{1,15})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A place as a cursor, for the next page's `after`. */
export function formatPlace({ createdAtMs, id }: ResourcePlace): string {
  return `${createdAtMs}_${id}`;
}

/** The place that a cursor names; undefined if it is none. */
export function tryParsePlace(cursor: string): ResourcePlace | undefined {
  const [, ms, id] = PLACE.exec(cursor) ?? [];
  return id === undefined ? undefined : { createdAtMs: Number(ms), id };
}
