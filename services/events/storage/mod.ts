/**
 * The event log in Redis streams.
 *
 * @module
 */
export * from "./redis_event_log.ts";
export * from "./stream_entry.ts";
export * from "./stream_keys.ts";
