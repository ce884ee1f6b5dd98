/**
 * The one base of every expected failure.
 *
 * @module
 */

/** What an {@link OperationalError} carries besides its message. */
export interface OperationalErrorOptions {
  /** Why, for the log only: never reaches a client. */
  readonly cause?: unknown;
  /** Hosts, names, counts, for the log only: never reach a client. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Whether the same call may succeed later, unchanged. Default false. */
  readonly retryable?: boolean;
  /** How long a caller should wait before it tries again, in milliseconds. */
  readonly retryAfterMs?: number;
}

/**
 * A failure that is part of normal operation, with a stable `code`.
 *
 * `message` may reach a client, so it follows "Cannot <act>: <state>" and names
 * no host, secret or internal; everything else goes into `facts` and `cause`.
 * Subclass it once per code, so that an edge can map codes to its own statuses.
 *
 * @example A failure with two audiences
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { OperationalError } from "@mainstay/kernel/errors";
 *
 * class StoreUnavailable extends OperationalError<"store-unavailable"> {
 *   constructor(host: string) {
 *     super("store-unavailable", "Cannot write: the store is unavailable", {
 *       facts: { host },
 *       retryable: true,
 *       retryAfterMs: 1000,
 *     });
 *   }
 * }
 *
 * const failure = new StoreUnavailable("10.0.0.7");
 * assertEquals(failure.code, "store-unavailable");
 * assertEquals(failure.message.includes("10.0.0.7"), false);
 * ```
 */
export class OperationalError<Code extends string = string> extends Error {
  override readonly name: string;
  readonly code: Code;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  /**
   * @param code Stable, kebab-case; documented in `docs/problems/<code>.md`.
   * @param message "Cannot <act>: <state>"; a client may read it.
   */
  constructor(
    code: Code,
    message: string,
    options: OperationalErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.facts = options.facts ?? {};
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}
