/**
 * Real servers and processes for tests, each ended with the test that started
 * it, and doubles of what a test must steer: clock and log.
 *
 * @module
 */
export * from "./shared_redis.ts";
export * from "./start_postgres.ts";
export * from "./start_redis.ts";
