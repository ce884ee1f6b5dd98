import { OperationalError } from "@mainstay/kernel/errors";

/**
 * A server that the local stack needs is neither named, found nor to be had.
 *
 * The message is for the person at the terminal: it says what was tried and the
 * one thing to do.
 */
export class StackUnavailable extends OperationalError<"stack-unavailable"> {
  constructor(message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super("stack-unavailable", message, { facts });
  }
}
