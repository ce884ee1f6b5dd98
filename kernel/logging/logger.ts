/** Severities in falling order; a logger at one level writes it and all before it. */
export const LOG_LEVELS = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Structured values of a line. Masked by key and by value before they are written. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes structured lines under one context name.
 *
 * No method throws, whatever the fields hold: circular, huge or hostile values
 * are cut to something safe. The correlation ID and the trace of the running
 * request (see `withLogFields`) are added to every line.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** Whether a line at `level` would be written: guards costly fields. */
  enabled(level: LogLevel): boolean;
  /** The same sink under another context name, such as `redis-connection`. */
  child(context: string): Logger;
}
