import type { LogLevel } from "../logging/logger.ts";
import { runtimeTelemetry } from "./runtime_telemetry.ts";

/**
 * What sends a written line to the collector too, with its severity and the
 * trace that it belongs to; undefined where telemetry is off.
 *
 * The console is the runtime's only way there. `OTEL_DENO_CONSOLE=replace`,
 * which `bin/otel_environment` sets, keeps it from writing the line once more.
 */
export function lineExporter():
  | ((level: LogLevel, line: string) => void)
  | undefined {
  if (runtimeTelemetry() === undefined) return undefined;
  const { error, warn, info, debug } = globalThis.console;
  const by: Readonly<Record<LogLevel, (line: string) => void>> = {
    ERROR: error,
    WARN: warn,
    INFO: info,
    DEBUG: debug,
    TRACE: debug,
  };
  return (level, line) => by[level](line);
}
