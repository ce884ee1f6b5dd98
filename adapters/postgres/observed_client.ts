import {
  answeredFailure,
  connectFailure,
  DatabaseFailure,
  lossFacts,
} from "./database_failure.ts";
import {
  type Callback,
  Client,
  DatabaseError,
  type DriverClient,
  type DriverConfig,
  type QueryResult,
} from "./driver.ts";
import type { QueryObserver } from "./query_observer.ts";
import { statementKind } from "./statement_kind.ts";

/** What all connections of one service have in common. */
export interface Connections {
  readonly observer: QueryObserver;
  /** Those opened, being opened, or not yet wholly closed; each with its end. */
  readonly open: Map<DriverClient, Promise<void>>;
  /** A statement that got no answer in this time has lost its connection. */
  readonly answerTimeoutMs: number;
}

/** Makes connections of which every statement is measured and every error explained. */
export type ObservedClientClass = new (config: DriverConfig) => DriverClient;

/**
 * The driver's client with three things added, whoever uses it (the pool, a
 * borrower, Kysely): each statement is measured; a failure of the database is a
 * {@link DatabaseFailure}; and a server that has stopped answering without
 * closing the connection is given up, which the driver alone would wait for
 * without end.
 */
export function observedClient(connections: Connections): ObservedClientClass {
  const { observer, open, answerTimeoutMs } = connections;

  return class ObservedClient extends Client {
    /** Whether the connection is gone: known before its statements are told. */
    #lost = false;

    constructor(config: DriverConfig) {
      super(config);
      const lose = () => this.#lost = true;
      // Also while a borrower has it and runs nothing: without a listener, the
      // death of the connection would then end the process.
      this.on("error", lose);
      this.connection.once("end", lose);
    }

    override connect(callback?: Callback): Promise<unknown> {
      const { promise, resolve } = Promise.withResolvers<void>();
      open.set(this, promise);
      this.once("end", () => {
        open.delete(this);
        resolve();
      });
      // The pool explains what it is told here, since it knows more.
      if (callback) return super.connect(callback);
      return super.connect().catch((error) => {
        throw connectFailure(error, this);
      });
    }

    override query(
      statement: unknown,
      values?: unknown,
      callback?: Callback,
    ): Promise<QueryResult<unknown>> {
      const finish = this.#begin(statement);
      const tell = typeof values === "function" ? values as Callback : callback;
      const given = typeof values === "function" ? undefined : values;
      if (tell) {
        return super.query(statement, given, (error, result) => {
          const failure = finish(error);
          tell(failure, result);
        });
      }
      const result = super.query(statement, given);
      // A cursor is handed back as it is; it ends when its reader says so.
      if (!(result instanceof Promise)) {
        finish(undefined);
        return result;
      }
      return result.then((rows) => {
        finish(undefined);
        return rows;
      }, (error) => {
        throw finish(error);
      });
    }

    /** Starts the watch over a statement; the result ends it and explains an error. */
    #begin(statement: unknown): (error: unknown) => unknown {
      const { operation, changes, commits } = statementKind(textOf(statement));
      const mayBeDone = changes &&
        (commits || this.getTransactionStatus() !== "T");
      const unsent = this.#lost;
      const startedAt = performance.now();
      const alarm = setTimeout(() => {
        this.connection.stream.destroy(
          new Error(`No answer within ${answerTimeoutMs} ms`),
        );
      }, answerTimeoutMs);
      return (error) => {
        clearTimeout(alarm);
        observer.finished(operation, performance.now() - startedAt);
        if (!error) return error;
        observer.failed(error);
        const failure = answeredFailure(error);
        // PostgreSQL closes the connection after this answer: who has it next
        // would be the first to notice.
        if (failure?.code === "database-unavailable") void this.end();
        // Wrong SQL, a broken constraint, a value that cannot be sent.
        if (failure || !this.#lost || error instanceof DatabaseError) {
          return failure ?? error;
        }
        const code = mayBeDone && !unsent
          ? "database-outcome-unknown"
          : "database-unavailable";
        return new DatabaseFailure(code, {
          cause: error,
          facts: lossFacts(error, this),
        });
      };
    }
  };
}

function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  const { text } = statement as { readonly text?: unknown };
  return typeof text === "string" ? text : "";
}
