/**
 * The event log in Redis streams.
 *
 * @module
 */
export * from "./consumer_identity.ts";
export * from "./redis_auditor.ts";
export * from "./redis_consumer_group.ts";
export * from "./redis_dead_letters.ts";
export * from "./redis_event_log.ts";
export * from "./redis_storage.ts";
export * from "./redis_upkeep.ts";
export * from "./stream_entry.ts";
export * from "./stream_keys.ts";
