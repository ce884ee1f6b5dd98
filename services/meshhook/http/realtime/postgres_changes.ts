/**
 * `postgres_changes` as clients of Supabase's Realtime ask for them and expect
 * them.
 *
 * @module
 */
import { InvalidInput } from "@mainstay/kernel/errors";
import {
  LIVE_TABLES,
  type LiveFilter,
  type LiveTable,
  parseLiveFilter,
} from "../../domain/live_filter.ts";
import type { LiveEvent, LiveRun } from "../../domain/live_log.ts";

const SCHEMA = "public";
/** In one channel. */
const MAX_SUBSCRIPTIONS = 50;
const MAX_RUNS = 100;
const EVENTS: readonly unknown[] = ["*", "INSERT", "UPDATE", "DELETE"];

type ChangeType = "INSERT" | "UPDATE";

/** One of the things that a channel asks for. */
export interface ChangeSubscription {
  /** What its changes are told by. */
  readonly id: number;
  readonly event: string;
  readonly table: LiveTable;
  readonly filter: LiveFilter;
  /** As it was asked for: clients compare it. */
  readonly asked: Readonly<Record<string, unknown>>;
}

/** A change that is ready to be sent to any number of channels. */
export interface Change {
  readonly table: LiveTable;
  readonly type: ChangeType;
  readonly record: Readonly<Record<string, unknown>>;
  /** The payload's `data`, as JSON. */
  readonly text: string;
}

const COLUMNS = {
  events: [
    { name: "run_id", type: "uuid" },
    { name: "seq", type: "int4" },
    { name: "at", type: "timestamptz" },
    { name: "type", type: "text" },
    { name: "node", type: "text" },
    { name: "event", type: "jsonb" },
  ],
  runs: [
    { name: "id", type: "uuid" },
    { name: "workflow_id", type: "uuid" },
    { name: "version", type: "int4" },
    { name: "status", type: "text" },
    { name: "last_seq", type: "int4" },
    { name: "created_at", type: "timestamptz" },
    { name: "ended_at", type: "timestamptz" },
  ],
} as const;

/**
 * Reads what a join asks for.
 *
 * @throws {InvalidInput} Naming the field that is not understood.
 */
export function parseSubscriptions(
  payload: Readonly<Record<string, unknown>>,
): readonly ChangeSubscription[] {
  const { config } = payload;
  const asked = typeof config === "object" && config !== null &&
      "postgres_changes" in config
    ? config.postgres_changes
    : [];
  const pointer = "/config/postgres_changes";
  if (!Array.isArray(asked)) refuse(pointer, "Expected a list");
  if (asked.length > MAX_SUBSCRIPTIONS) {
    refuse(pointer, `Expected at most ${MAX_SUBSCRIPTIONS}`);
  }
  const subscriptions = asked.map((one: unknown, at) =>
    parseSubscription(one, at, `${pointer}/${at}`)
  );
  const runs = subscriptions.flatMap(({ filter }) => filter.runIds ?? []);
  if (runs.length > MAX_RUNS) {
    refuse(pointer, `Expected at most ${MAX_RUNS} runs to be named`);
  }
  return subscriptions;
}

function parseSubscription(
  asked: unknown,
  at: number,
  pointer: string,
): ChangeSubscription {
  if (typeof asked !== "object" || asked === null) {
    return refuse(pointer, "Expected an object");
  }
  const { event, schema, table, filter, ...others } = asked as Record<
    string,
    unknown
  >;
  if (!EVENTS.includes(event)) {
    refuse(`${pointer}/event`, `Expected one of ${EVENTS.join(", ")}`);
  }
  if (schema !== SCHEMA) refuse(`${pointer}/schema`, `Expected ${SCHEMA}`);
  const known = LIVE_TABLES.find((name) => name === table);
  if (known === undefined) {
    return refuse(`${pointer}/table`, `Expected ${LIVE_TABLES.join(" or ")}`);
  }
  const text = filter ?? undefined;
  if (text !== undefined && typeof text !== "string") {
    return refuse(`${pointer}/filter`, "Expected a text");
  }
  if (others["select"] !== undefined && others["select"] !== null) {
    refuse(`${pointer}/select`, "Cannot leave out columns: all are sent");
  }
  return {
    id: at + 1,
    event: event as string,
    table: known,
    filter: parseLiveFilter(known, text, `${pointer}/filter`),
    asked: {
      event,
      schema,
      table,
      ...(text === undefined ? {} : { filter: text }),
    },
  };
}

/** An event as a row that was inserted. */
export function eventChange({ runId, seq, at, event }: LiveEvent): Change {
  const record = {
    run_id: runId,
    seq,
    at: at.toISOString(),
    type: event.type,
    node: "node" in event ? event.node : null,
    event,
  };
  return change("events", "INSERT", record, at);
}

/** A run as a row that was inserted, or has changed. */
export function runChange(
  run: LiveRun,
  type: ChangeType,
  at: Date,
): Change {
  return change("runs", type, {
    id: run.id,
    workflow_id: run.workflowId,
    version: run.version,
    status: run.status,
    last_seq: run.lastSeq,
    created_at: run.createdAt.toISOString(),
    ended_at: run.endedAt?.toISOString() ?? null,
  }, at);
}

function change(
  table: LiveTable,
  type: ChangeType,
  record: Readonly<Record<string, unknown>>,
  at: Date,
): Change {
  return {
    table,
    type,
    record,
    text: JSON.stringify({
      schema: SCHEMA,
      table,
      commit_timestamp: at.toISOString(),
      type,
      columns: COLUMNS[table],
      record,
      // Of a row that has changed, its key is all that is known from before.
      ...(type === "UPDATE" ? { old_record: { id: record["id"] } } : {}),
      errors: null,
    }),
  };
}

function refuse(pointer: string, detail: string): never {
  throw new InvalidInput([{ pointer, detail }]);
}
