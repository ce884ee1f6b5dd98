import type { LogFields, Logger, LogLevel } from "@mainstay/kernel/logging";

/** A line that was logged. */
export interface CapturedLine {
  readonly level: LogLevel;
  readonly context: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines for a test to look at. */
export interface CapturedLog extends Logger {
  /** Every line of this logger and its children, oldest first. */
  readonly lines: readonly CapturedLine[];
  /** Messages, for a short comparison: `["WARN Connection lost"]`. */
  messages(): string[];
}

/** Captures every level; masks nothing. */
export function captureLogger(context = "test"): CapturedLog {
  return capture(context, []);
}

function capture(context: string, lines: CapturedLine[]): CapturedLog {
  const write =
    (level: LogLevel) => (message: string, fields: LogFields = {}) =>
      void lines.push({ level, context, message, fields });
  return {
    lines,
    messages: () => lines.map(({ level, message }) => `${level} ${message}`),
    error: write("ERROR"),
    warn: write("WARN"),
    info: write("INFO"),
    debug: write("DEBUG"),
    trace: write("TRACE"),
    enabled: () => true,
    child: (name) => capture(name, lines),
  };
}
