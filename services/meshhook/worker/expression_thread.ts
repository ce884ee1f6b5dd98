/**
 * Evaluates expressions, in a thread that may do nothing else.
 *
 * @module
 */
import { evaluate, type Scope } from "../domain/expression.ts";
import type { Json } from "../domain/run_event.ts";

/** What the thread is told. */
export interface ExpressionTask {
  readonly expression: string;
  readonly scope: Scope;
}

/** What it answers; first of all, that it is there. */
export type ExpressionResult =
  | { readonly ready: true }
  | { readonly value: Json }
  | { readonly mistake: string };

function resultOf({ expression, scope }: ExpressionTask): ExpressionResult {
  try {
    return { value: evaluate(expression, scope) ?? null };
  } catch (failure) {
    return { mistake: failure instanceof Error ? failure.message : "unknown" };
  }
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent<ExpressionTask>) => void;
  postMessage(result: ExpressionResult): void;
};
thread.onmessage = ({ data }) => thread.postMessage(resultOf(data));
thread.postMessage({ ready: true });
