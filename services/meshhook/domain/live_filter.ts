/**
 * Which rows someone follows: the filters of `postgres_changes`, as
 * `column=operator.value`, several separated by commas.
 *
 * @module
 */
import { InvalidInput } from "@mainstay/kernel/errors";

/** What can be followed. */
export const LIVE_TABLES = ["events", "runs"] as const;
export type LiveTable = (typeof LIVE_TABLES)[number];

type Value = string | number;
type Kind = "id" | "number" | "text";

/** Columns that can be filtered by. */
const COLUMNS: Readonly<Record<LiveTable, Readonly<Record<string, Kind>>>> = {
  events: { run_id: "id", seq: "number", type: "text", node: "text" },
  runs: { id: "id", status: "text", workflow_id: "id", version: "number" },
};

const COMPARISONS: Readonly<
  Record<string, (value: Value, given: Value) => boolean>
> = {
  eq: (value, given) => value === given,
  neq: (value, given) => value !== given,
  gt: (value, given) => value > given,
  gte: (value, given) => value >= given,
  lt: (value, given) => value < given,
  lte: (value, given) => value <= given,
};
const ORDERED = new Set(["gt", "gte", "lt", "lte"]);
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_VALUES = 100;

/** A filter that was understood. */
export interface LiveFilter {
  /** The runs that it names; undefined: it is not about certain ones. */
  readonly runIds?: readonly string[];
  /** Of `events`: nothing up to this number is asked for. */
  readonly afterSeq: number;
  matches(record: Readonly<Record<string, unknown>>): boolean;
}

interface Condition {
  readonly column: string;
  readonly operator: string;
  readonly values: readonly Value[];
}

/**
 * Reads a filter; none matches all.
 *
 * @param pointer Where it stands, for the mistake.
 * @throws {InvalidInput} Naming the column or the operator that is not known.
 */
export function parseLiveFilter(
  table: LiveTable,
  text: string | undefined,
  pointer: string,
): LiveFilter {
  const fail = (detail: string): never => {
    throw new InvalidInput([{ pointer, detail }]);
  };
  const conditions = text === undefined || text === ""
    ? []
    : split(text, fail).map((part) => parseCondition(table, part, fail));
  const key = table === "events" ? "run_id" : "id";
  const named = conditions.find(({ column, operator }) =>
    column === key && (operator === "eq" || operator === "in")
  );
  const afterSeq = table === "events"
    ? conditions.reduce((after, { column, operator, values: [value] }) => {
      if (column !== "seq" || typeof value !== "number") return after;
      if (operator === "gt") return Math.max(after, value);
      return operator === "gte" ? Math.max(after, value - 1) : after;
    }, 0)
    : 0;
  return {
    ...(named && { runIds: named.values.map(String) }),
    afterSeq,
    matches: (record) =>
      conditions.every(({ column, operator, values }) => {
        const value = record[column];
        if (value === null || value === undefined) return false;
        return operator === "in"
          ? values.includes(value as Value)
          : COMPARISONS[operator]!(value as Value, values[0]!);
      }),
  };
}

function parseCondition(
  table: LiveTable,
  text: string,
  fail: (detail: string) => never,
): Condition {
  const found = /^([^=]*)=([^.]*)\.(.*)$/s.exec(text);
  if (found === null) {
    return fail(`Expected column=operator.value, such as run_id=eq.<id>`);
  }
  const [, column = "", operator = "", given = ""] = found;
  const columns = COLUMNS[table];
  const kind = Object.hasOwn(columns, column) ? columns[column] : undefined;
  if (kind === undefined) {
    const known = Object.keys(columns).join(", ");
    return fail(`Cannot filter ${table} by that column: known are ${known}`);
  }
  const operators = kind === "number"
    ? [...Object.keys(COMPARISONS), "in"]
    : ["eq", "neq", "in"];
  if (!operators.includes(operator)) {
    return fail(
      `Cannot filter by ${column} so: its operators are ${
        operators.join(", ")
      }`,
    );
  }
  const texts = operator === "in" ? listOf(given, fail) : [unquoted(given)];
  if (texts.length > MAX_VALUES) {
    return fail(`${column} may be one of ${MAX_VALUES} values at most`);
  }
  const values = texts.map((value) => {
    if (kind === "id" && !ID.test(value)) {
      return fail(`${column} is an id such as ${"0".repeat(8)}-…`);
    }
    if (kind !== "number") return value;
    if (!/^-?\d{1,9}$/.test(value)) return fail(`${column} is a whole number`);
    return Number(value);
  });
  if (ORDERED.has(operator) && values.length !== 1) fail("Expected one value");
  return { column, operator, values };
}

function listOf(text: string, fail: (detail: string) => never): string[] {
  const inner = /^\((.*)\)$/s.exec(text)?.[1];
  if (inner === undefined || inner === "") return fail("Expected in.(a,b)");
  return split(inner, fail).map(unquoted);
}

/** At commas that are neither quoted nor in brackets. */
function split(text: string, fail: (detail: string) => never): string[] {
  const parts = [""];
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === "," && depth === 0 && !quoted) {
      parts.push("");
      continue;
    }
    if (quoted && letter === "\\") {
      parts[parts.length - 1] += letter + (text[++at] ?? "");
      continue;
    }
    if (letter === '"') quoted = !quoted;
    else if (!quoted) depth += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    parts[parts.length - 1] += letter;
  }
  if (quoted || depth !== 0) fail("A quote or bracket is not closed");
  return parts;
}

function unquoted(text: string): string {
  const inner = /^"(.*)"$/s.exec(text)?.[1];
  return inner?.replaceAll(/\\(.)/gs, "$1") ?? text;
}
