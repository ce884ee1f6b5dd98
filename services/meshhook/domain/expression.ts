/**
 * JMESPath expressions, bounded before they are parsed.
 *
 * @module
 */
import { compile, search } from "@jmespath-community/jmespath";
import type { Json } from "./run_event.ts";

/** What an expression sees. */
export interface Scope {
  readonly trigger: {
    readonly body: Json;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly steps: Readonly<Record<string, { readonly output: Json }>>;
  readonly run: { readonly id: string };
}

/** Parsers recurse: past this, a hostile expression would exhaust the stack. */
const MAX_DEPTH = 32;

/** What is wrong with an expression; undefined if nothing is. */
export function expressionMistake(expression: string): string | undefined {
  if (nesting(expression) > MAX_DEPTH) {
    return `has more than ${MAX_DEPTH} brackets within each other`;
  }
  try {
    compile(expression);
    return undefined;
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : "unknown";
    return `is no JMESPath expression: ${why.slice(0, 200)}`;
  }
}

/** Evaluates an expression that {@link expressionMistake} has passed. */
export function evaluate(expression: string, scope: Scope): Json {
  return search(scope as never, expression) as Json;
}

/** As JMESPath has it: nothing, false and whatever is empty are false. */
export function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length > 0;
  }
  return value !== null && value !== false && value !== "";
}

/** Brackets within each other, quoted ones too: more is never less. */
function nesting(expression: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of expression) {
    if ("([{!&".includes(character)) deepest = Math.max(deepest, ++depth);
    else if (")]}".includes(character)) depth = Math.max(0, depth - 1);
  }
  return deepest;
}
