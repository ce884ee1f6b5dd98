import type { Part } from "@mainstay/kernel/lifecycle";
import type { Scope } from "../domain/expression.ts";
import type { Json } from "../domain/run_event.ts";
import type { ExpressionResult, ExpressionTask } from "./expression_thread.ts";

/** An expression that gave no value. */
export class ExpressionFailed extends Error {
  override readonly name = "ExpressionFailed";
}

/** Evaluates expressions off the main thread, each within its time. */
export interface ExpressionRunner extends Part {
  /**
   * @param project Whose expression it is: each has its turn. Default: nobody's.
   * @throws {ExpressionFailed} With what is wrong, for the workflow's author.
   */
  evaluate(expression: string, scope: Scope, project?: string): Promise<Json>;
}

// What Deno adds to the options of a Worker, its types leave out.
const NO_PERMISSIONS = {
  type: "module",
  deno: { permissions: "none" },
} as WorkerOptions;

interface Waiting extends ExpressionTask {
  readonly resolve: (value: Json) => void;
  readonly reject: (failure: Error) => void;
}

/**
 * Runs expressions one after the other in a thread without permissions, the
 * projects taking turns; one that takes longer than `timeoutMs` ends with its
 * thread, and the next gets a new one.
 */
export function expressionRunner(
  { timeoutMs = 1_000 }: { readonly timeoutMs?: number } = {},
): ExpressionRunner {
  /** By project, in the order of their turns. */
  const waiting = new Map<string, Waiting[]>();
  let thread: Worker | undefined;
  let isReady = false;
  let current: Waiting | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function next(): void {
    const [turn] = waiting;
    current = undefined;
    if (turn === undefined) return;
    const [project, tasks] = turn;
    waiting.delete(project);
    current = tasks.shift();
    if (tasks.length > 0) waiting.set(project, tasks);
    if (thread === undefined) thread = open();
    else if (isReady) begin();
  }

  /** The time of an expression is its own: a thread that starts takes none of it. */
  function begin(): void {
    if (current === undefined) return;
    const { expression, scope } = current;
    thread?.postMessage({ expression, scope } satisfies ExpressionTask);
    timer = setTimeout(() => {
      end();
      settle((task) =>
        task.reject(
          new ExpressionFailed(
            `The expression takes longer than ${timeoutMs} ms`,
          ),
        )
      );
    }, timeoutMs);
  }

  function open(): Worker {
    const worker = new Worker(
      new URL("./expression_thread.ts", import.meta.url),
      NO_PERMISSIONS,
    );
    worker.onmessage = ({ data }: MessageEvent<ExpressionResult>) => {
      if ("ready" in data) {
        isReady = true;
        return begin();
      }
      settle((task) => {
        if ("value" in data) task.resolve(data.value);
        else task.reject(new ExpressionFailed(data.mistake));
      });
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end();
      settle((task) =>
        task.reject(new ExpressionFailed("The expression could not be run"))
      );
    };
    return worker;
  }

  function settle(how: (task: Waiting) => void): void {
    clearTimeout(timer);
    const task = current;
    current = undefined;
    if (task !== undefined) how(task);
    next();
  }

  function end(): void {
    thread?.terminate();
    thread = undefined;
    isReady = false;
  }

  return {
    name: "expressions",
    evaluate(expression, scope, project = "") {
      return new Promise((resolve, reject) => {
        const tasks = waiting.get(project) ?? [];
        tasks.push({ expression, scope, resolve, reject });
        waiting.set(project, tasks);
        if (current === undefined) next();
      });
    },
    stop() {
      clearTimeout(timer);
      end();
      const left = [current ?? [], ...waiting.values()].flat();
      current = undefined;
      waiting.clear();
      for (const { reject } of left) {
        reject(new ExpressionFailed("The worker is stopping"));
      }
    },
  };
}
