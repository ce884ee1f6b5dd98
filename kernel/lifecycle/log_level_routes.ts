import { InvalidInput } from "../errors/invalid_input.ts";
import { LOG_LEVELS, type LogLevel } from "../logging/logger.ts";
import type { Logging } from "../logging/logging.ts";
import type { Route } from "./route.ts";

/**
 * Reads and changes the level of a running service's log: `DEBUG` or
 * `{"level":"DEBUG"}`, in any case. It lasts until the process ends.
 */
export function logLevelRoutes(logging: Logging): readonly Route[] {
  const answer = () =>
    Response.json({ level: logging.level }, {
      headers: { "cache-control": "no-store" },
    });
  return [
    { method: "GET", path: "/loglevel", handle: answer },
    {
      method: "PUT",
      path: "/loglevel",
      maxBodyBytes: 1024,
      async handle(_request, { body, log }) {
        const from = logging.level;
        const to = parseLevel(new TextDecoder().decode(await body()));
        logging.level = to;
        if (from !== to) log.warn(`Log level is ${to}`, { from, to });
        return answer();
      },
    },
  ];
}

/** @throws {InvalidInput} If it names no level. */
function parseLevel(text: string): LogLevel {
  const named = levelOf(text.trim()).toUpperCase();
  const level = LOG_LEVELS.find((level) => level === named);
  if (level !== undefined) return level;
  throw new InvalidInput([{
    pointer: text.trim().startsWith("{") ? "/level" : "",
    detail: `must be one of ${LOG_LEVELS.join(", ")}`,
  }]);
}

/** The text itself, or the member `level` of the JSON that it is. */
function levelOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const level = typeof value === "object" && value !== null
      ? (value as { level?: unknown }).level
      : value;
    return typeof level === "string" ? level : "";
  } catch {
    return text;
  }
}
