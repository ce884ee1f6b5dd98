import {
  getAnsiColorFormatter,
  getTextFormatter,
  type TextFormatterOptions,
} from "@logtape/logtape";
import type { ServiceIdentity } from "../lifecycle/module.ts";
import { lineExporter } from "../telemetry/export_line.ts";
import { encodeFields, jsonText, oneLine } from "./encode_fields.ts";
import { standardOutputWriter } from "./line_writer.ts";
import { currentLogFields } from "./log_fields.ts";
import {
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LogLevel,
} from "./logger.ts";

/** Text for people, JSON (one object a line) for log systems. */
export type LogFormat = "text" | "json";

/** How one service logs. */
export interface LoggingOptions {
  readonly identity: ServiceIdentity;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** IANA name or offset, for text lines. JSON is UTC, because log systems sort by it. Default `UTC`. */
  readonly timezone?: string;
  /** Takes a line without its end. Default: the standard output of the process, and the collector where there is one. */
  readonly write?: (line: string) => void;
  /** Default: on a terminal, unless `NO_COLOR` is set. JSON never has it. */
  readonly color?: boolean;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/** The log of one service: its loggers share one level and one output. */
export interface Logging {
  logger(context: string): Logger;
  /** Takes effect with the next line. */
  level: LogLevel;
  /** Writes what is buffered before it returns. Called for each ERROR and at exit anyway. */
  flush(): void;
}

type Line = (
  level: LogLevel,
  context: string,
  message: string,
  fields: LogFields | undefined,
) => string;

const RANK: Readonly<Record<LogLevel, number>> = {
  ERROR: 0,
  WARN: 1,
  INFO: 2,
  DEBUG: 3,
  TRACE: 4,
};

/**
 * Creates the log of one service.
 *
 * Every record is one line, masked and bounded, whatever its message and fields
 * hold; logging never throws. A level that is off costs a comparison.
 *
 * @throws {RangeError} When the level or the time zone is unknown.
 *
 * @example A line as a log system reads it
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { createLogging } from "@mainstay/kernel/logging";
 *
 * const lines: string[] = [];
 * const logging = createLogging({
 *   identity: { name: "demo", version: "1.0.0", environment: "test" },
 *   level: "INFO",
 *   format: "json",
 *   write: (line) => lines.push(line),
 *   now: () => Date.UTC(2025, 5, 28, 23, 39, 56, 862),
 * });
 * logging.logger("store").info("Opened", { attempt: 1, password: "hunter2" });
 *
 * assertEquals(lines.map((line) => JSON.parse(line)), [{
 *   timestamp: "2025-06-28T23:39:56.862Z",
 *   level: "INFO",
 *   service: "demo",
 *   environment: "test",
 *   context: "store",
 *   message: "Opened",
 *   attempt: 1,
 *   password: "***",
 * }]);
 * ```
 */
export function createLogging(options: LoggingOptions): Logging {
  const now = options.now ?? Date.now;
  const output = options.write === undefined
    ? standardOutputWriter()
    : { write: options.write, flush: () => {} };
  const exportLine = options.write === undefined ? lineExporter() : undefined;
  let level = known(options.level);
  const showsStacks = () => RANK[level] >= RANK.DEBUG;
  const line = options.format === "json"
    ? jsonLines(options, now, showsStacks)
    : textLines(options, now, showsStacks);

  function logger(context: string): Logger {
    const at = (own: LogLevel) => {
      const rank = RANK[own];
      return (message: string, fields?: LogFields) => {
        if (rank > RANK[level]) return;
        try {
          const text = line(own, context, message, fields);
          output.write(text);
          exportLine?.(own, text);
          if (rank === 0) output.flush();
        } catch {
          // A log that cannot be written must not break what it tells of.
        }
      };
    };
    return {
      error: at("ERROR"),
      warn: at("WARN"),
      info: at("INFO"),
      debug: at("DEBUG"),
      trace: at("TRACE"),
      enabled: (asked) => RANK[asked] <= RANK[level],
      child: logger,
    };
  }

  return {
    logger,
    get level() {
      return level;
    },
    set level(next) {
      level = known(next);
    },
    flush: () => output.flush(),
  };
}

function known(level: LogLevel): LogLevel {
  if (LOG_LEVELS.includes(level)) return level;
  throw new RangeError(
    `Cannot log at level ${JSON.stringify(level)}: it is none of ${
      LOG_LEVELS.join(", ")
    }`,
  );
}

const IDS = ["correlationId", "traceId", "spanId"] as const;

/** `"correlationId":"…",…`: what is known of the running request, unless the fields say it themselves. */
function contextMembers(fields: LogFields | undefined): string {
  const context = currentLogFields();
  let members = "";
  for (const id of IDS) {
    const value = context[id];
    if (value === undefined || says(fields, id)) continue;
    members += (members === "" ? "" : ",") + `"${id}":${jsonText(value)}`;
  }
  return members;
}

function says(fields: LogFields | undefined, id: string): boolean {
  try {
    return fields !== undefined && Object.hasOwn(fields, id);
  } catch {
    return false;
  }
}

const join = (a: string, b: string) =>
  a === "" ? b : b === "" ? a : `${a},${b}`;

/** Callers without types may pass anything. */
const asText = (message: unknown) =>
  typeof message === "string" ? message : "[Unreadable]";

const JSON_NAMES = new Set([
  ...["timestamp", "level", "service", "environment", "context", "message"],
]);
const NO_NAMES = new Set<string>();

function jsonLines(
  { identity }: LoggingOptions,
  now: () => number,
  showsStacks: () => boolean,
): Line {
  const origin = `"service":${jsonText(identity.name)},"environment":${
    jsonText(identity.environment)
  }`;
  const timestamp = isoTimestamps();
  return (level, context, message, fields) => {
    const own = fields === undefined ? "" : encodeFields(fields, {
      stacks: showsStacks(),
      reserved: JSON_NAMES,
    });
    const members = join(own, contextMembers(fields));
    return `{"timestamp":"${
      timestamp(now())
    }","level":"${level}",${origin},"context":${jsonText(context)},"message":${
      jsonText(asText(message))
    }${members === "" ? "" : "," + members}}`;
  };
}

/** Writes a time once for all lines of one millisecond: a busy service has many. */
function isoTimestamps(): (ms: number) => string {
  let lastMs = NaN;
  let last = "";
  return (ms) => {
    if (ms !== lastMs) {
      last = new Date(ms).toISOString();
      lastMs = ms;
    }
    return last;
  };
}

/**
 * LogTape writes the text line: time zone, offset and colour are its own. Its
 * loggers are not used: they are one tree per process, which the next
 * `configure()` resets, and a process here runs several services.
 */
function textLines(
  options: LoggingOptions,
  now: () => number,
  showsStacks: () => boolean,
): Line {
  const timezone = options.timezone ?? "UTC";
  const layout: TextFormatterOptions = {
    timestamp: "rfc3339",
    ...(/^(?:utc|etc\/utc|z)$/i.test(timezone) ? {} : { timeZone: timezone }),
    level: (level) =>
      (level === "warning" ? "WARN" : level.toUpperCase()).padEnd(5),
    sanitize: false,
    format: ({ timestamp, level, category, message }) =>
      `${timestamp} ${level} [${category}] ${message}`,
  };
  const format = zoned(options.color ?? colours(), layout, timezone);
  return (level, context, message, fields) => {
    const own = fields === undefined ? "" : encodeFields(fields, {
      stacks: showsStacks(),
      reserved: NO_NAMES,
    });
    const members = join(own, contextMembers(fields));
    const text = oneLine(asText(message));
    return format({
      category: [oneLine(context)],
      level: level === "WARN"
        ? "warning"
        : level.toLowerCase() as "error" | "info" | "debug" | "trace",
      message: [members === "" ? text : `${text} {${members}}`],
      rawMessage: text,
      timestamp: now(),
      properties: {},
    }).slice(0, -1);
  };
}

function zoned(
  color: boolean,
  layout: TextFormatterOptions,
  timezone: string,
) {
  try {
    return color ? getAnsiColorFormatter(layout) : getTextFormatter(layout);
  } catch {
    throw new RangeError(
      `Cannot log in time zone ${JSON.stringify(timezone)}: it is unknown`,
    );
  }
}

const colours = () => Deno.stdout.isTerminal() && !Deno.noColor;
