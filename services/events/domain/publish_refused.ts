import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";

/**
 * Why a publish was not, or may not have been, carried out.
 *
 * - `overloaded`: the queue, backlog or memory limit is reached; nothing was written.
 * - `unavailable`: Redis cannot be reached; nothing was written.
 * - `outcome-unknown`: the connection was lost after the write was sent; it may
 *   have been applied. Safe to repeat only with an id or idempotency key.
 * - `idempotency-conflict`: the key was used with another body; nothing was written.
 * - `not-replicated`: written, but fewer replicas than asked have confirmed it.
 */
export type PublishRefusedCode =
  | "overloaded"
  | "unavailable"
  | "outcome-unknown"
  | "idempotency-conflict"
  | "not-replicated";

/** A publish that was refused, or whose outcome is unknown. */
export class PublishRefused extends OperationalError<PublishRefusedCode> {
  constructor(
    code: PublishRefusedCode,
    message: string,
    options?: OperationalErrorOptions,
  ) {
    super(code, message, options);
  }
}
