/**
 * Structured lines that hold no secret and break nothing.
 *
 * @module
 */
export * from "./log_fields.ts";
export * from "./logger.ts";
export {
  createLogging,
  type LogFormat,
  type Logging,
  type LoggingOptions,
} from "./logging.ts";
