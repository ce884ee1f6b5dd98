/** The values of the label `operation`. */
export const OPERATIONS = [
  "select",
  "insert",
  "update",
  "delete",
  "other",
] as const;

/** What a statement does, coarsely. */
export type Operation = (typeof OPERATIONS)[number];

/** What is known of a statement from its text. */
export interface StatementKind {
  readonly operation: Operation;
  /** Whether it may change what others see, so that its fate matters if the connection is lost. */
  readonly changes: boolean;
  readonly commits: boolean;
}

/** What is skipped: white space, comments, quoted text, names, numbers, other signs. */
const TOKEN =
  /\s+|--[^\n]*|\/\*[^]*?(?:\*\/|$)|'(?:[^'\\]|''|\\[^])*(?:'|$)|"[^"]*(?:"|$)|\$([A-Za-z_]\w*)?\$[^]*?(?:\$\1\$|$)|[A-Za-z_]\w*|[^]/g;

const HARMLESS = new Set([
  "select",
  "begin",
  "start",
  "rollback",
  "abort",
  "show",
  "set",
  "reset",
  "values",
  "table",
  "savepoint",
  "release",
  "listen",
  "unlisten",
  "discard",
  "",
]);

/** Texts seen, so that each is read once. Forgotten together when there are too many. */
const known = new Map<string, StatementKind>();
const KNOWN_AT_MOST = 2000;

/**
 * Tells from a statement's text what it does. Of several statements in one
 * text, the first names the operation, and they count as changing something.
 *
 * A SELECT counts as harmless although it may call a function that is not.
 */
export function statementKind(text: string): StatementKind {
  const seen = known.get(text);
  if (seen !== undefined) return seen;
  const kind = readKind(text);
  if (known.size >= KNOWN_AT_MOST) known.clear();
  known.set(text, kind);
  return kind;
}

function readKind(text: string): StatementKind {
  let depth = 0;
  let first: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "(") depth++;
    if (token === ")") depth--;
    if (!/^[A-Za-z_]/.test(token)) continue;
    const word = token.toLowerCase();
    first ??= word;
    // `(SELECT …) UNION …` begins in parentheses; a CTE's statement follows them.
    if (first !== "with") break;
    const operation = operationOf(word);
    if (depth === 0 && operation !== "other") {
      return { operation, changes: true, commits: false };
    }
  }
  const word = first ?? "";
  return {
    operation: operationOf(word),
    changes: !HARMLESS.has(word) || /;\s*\S/.test(text),
    commits: word === "commit" || word === "end",
  };
}

function operationOf(word: string): Operation {
  return OPERATIONS.find((operation) => operation === word) ?? "other";
}
