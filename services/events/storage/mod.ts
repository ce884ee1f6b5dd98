/**
 * The event log in Redis streams.
 *
 * @module
 */
export * from "./stream_entry.ts";
export * from "./stream_keys.ts";
