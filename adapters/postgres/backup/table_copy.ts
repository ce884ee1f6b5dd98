/**
 * PostgreSQL's COPY as streams, on the driver's own messages.
 *
 * @module
 */
import { Readable } from "node:stream";
import { answeredFailure, DatabaseFailure } from "../database_failure.ts";
import { DatabaseError, type Statement } from "../driver.ts";
import type { Queryable } from "../postgres.ts";

/** The part of the driver's connection that is used. */
interface CopyConnection {
  readonly stream: {
    write(data: Uint8Array, done: (error?: Error | null) => void): boolean;
    pause(): void;
    resume(): void;
  };
  query(text: string): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** Rows are handed on together: one by one costs four times as much. */
const CHUNK_BYTES = 65_536;

/** What the driver does with a statement of one's own: it calls these as messages come. */
abstract class Copy implements Statement {
  readonly text: string;
  rowCount = 0;
  protected connection: CopyConnection | undefined;

  constructor(text: string) {
    this.text = text;
  }

  submit(connection: CopyConnection): void {
    this.connection = connection;
    connection.query(this.text);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.rowCount = Number(/^COPY (\d+)/.exec(text)?.[1]);
  }

  handleError(error: unknown): void {
    this.fail(
      answeredFailure(error) ??
        (error instanceof DatabaseError
          ? error
          : new DatabaseFailure("database-unavailable", { cause: error })),
    );
  }

  abstract handleReadyForQuery(): void;
  protected abstract fail(error: Error): void;
}

class CopyOut extends Copy {
  readonly rows: Readable = new Readable({
    highWaterMark: 4 * CHUNK_BYTES,
    read: () => this.connection?.stream.resume(),
  });
  #chunk = new Uint8Array(CHUNK_BYTES);
  #filled = 0;

  handleCopyData({ chunk }: { readonly chunk: Uint8Array }): void {
    if (this.#filled + chunk.length > CHUNK_BYTES) this.#handOn();
    // The driver uses its buffer again.
    if (chunk.length > CHUNK_BYTES) return this.#push(chunk.slice());
    this.#chunk.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  handleReadyForQuery(): void {
    this.#handOn();
    this.rows.push(null);
  }

  protected override fail(error: Error): void {
    this.rows.destroy(error);
  }

  #handOn(): void {
    if (this.#filled === 0) return;
    this.#push(this.#chunk.subarray(0, this.#filled));
    this.#chunk = new Uint8Array(CHUNK_BYTES);
    this.#filled = 0;
  }

  #push(rows: Uint8Array): void {
    if (!this.rows.push(rows)) this.connection?.stream.pause();
  }
}

class CopyIn extends Copy {
  readonly #ready = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  #refused: Error | undefined;

  handleCopyInResponse(): void {
    this.#ready.resolve();
  }

  handleReadyForQuery(): void {
    this.#done.resolve();
  }

  protected override fail(error: Error): void {
    this.#refused = error;
    this.#ready.reject(error);
    this.#done.reject(error);
  }

  /** @throws What PostgreSQL or `rows` throw. */
  async send(rows: AsyncIterable<Uint8Array>): Promise<void> {
    // A refusal while rows are being sent is looked at between two of them.
    this.#done.promise.catch(() => {});
    await this.#ready.promise;
    const { connection } = this;
    try {
      for await (const chunk of rows) {
        await this.#write(chunk);
        if (this.#refused) throw this.#refused;
      }
    } catch (failure) {
      connection?.sendCopyFail("its sender has failed");
      throw failure;
    }
    connection?.endCopyFrom();
    await this.#done.promise;
  }

  /** Resolves once the system has taken it. */
  #write(chunk: Uint8Array): Promise<void> {
    const message = new Uint8Array(5 + chunk.length);
    message[0] = 0x64; // CopyData
    new DataView(message.buffer).setUint32(1, 4 + chunk.length);
    message.set(chunk, 5);
    return new Promise((resolve, reject) => {
      this.connection?.stream.write(
        message,
        (error) => error ? reject(error) : resolve(),
      );
    });
  }
}

/** Rows that leave the database, and how many there were once they have. */
export interface LeavingRows {
  readonly rows: Readable;
  readonly rowCount: number;
}

/** Runs `COPY … TO STDOUT`; PostgreSQL waits for a slow reader. */
export function copyOut(
  connection: Queryable,
  statement: string,
): LeavingRows {
  const copy = new CopyOut(statement);
  void connection.query(copy);
  return copy;
}

/**
 * Runs `COPY … FROM STDIN`.
 *
 * @returns How many rows were loaded.
 * @throws {DatabaseFailure} If PostgreSQL cannot be used.
 * @throws The driver's error if a row is refused; and what `rows` throws.
 */
export async function copyIn(
  connection: Queryable,
  statement: string,
  rows: AsyncIterable<Uint8Array>,
): Promise<number> {
  const copy = new CopyIn(statement);
  void connection.query(copy);
  await copy.send(rows);
  return copy.rowCount;
}
