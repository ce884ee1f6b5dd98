import {
  OperationalError,
  type OperationalErrorOptions,
} from "@mainstay/kernel/errors";

/** Redis cannot be reached: nothing was sent, the same call may be made again. */
export class RedisUnavailable extends OperationalError<"redis-unavailable"> {
  constructor(
    message = "Cannot use Redis: it is not connected",
    options: OperationalErrorOptions = {},
  ) {
    super("redis-unavailable", message, {
      retryable: true,
      retryAfterMs: 1000,
      ...options,
    });
  }
}

/**
 * The connection was lost, or Redis stopped answering, after the command was
 * sent: it may have been carried out. It is never sent again by itself.
 */
export class RedisOutcomeUnknown
  extends OperationalError<"redis-outcome-unknown"> {
  constructor(options: OperationalErrorOptions = {}) {
    super(
      "redis-outcome-unknown",
      "Cannot tell whether Redis carried out the command: the connection was lost",
      options,
    );
  }
}

/** An error that Redis answered; the command changed nothing. */
export class RedisReplyError extends OperationalError<"redis-reply"> {
  /** The first word of the answer: `WRONGTYPE`, `NOGROUP`, `OOM`, … */
  readonly reply: string;

  constructor(text: string) {
    super("redis-reply", "Cannot carry out the command: Redis refused it", {
      facts: { reply: text },
    });
    this.reply = /^[A-Z]+/.exec(text)?.[0] ?? "ERR";
  }

  /** The answer in full, for the log and for telling like replies apart. */
  get text(): string {
    return String(this.facts["reply"]);
  }
}
