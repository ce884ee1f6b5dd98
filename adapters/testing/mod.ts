/**
 * Real servers and processes for tests, each ended with the test that started
 * it, and doubles of what a test must steer: clock and log.
 *
 * @module
 */
export * from "./capture_logger.ts";
export * from "./eventually.ts";
export * from "./fake_clock.ts";
export * from "./shared_redis.ts";
export * from "./start_postgres.ts";
export * from "./start_process.ts";
export * from "./start_redis.ts";
export * from "./start_redis_cluster.ts";
export * from "./start_redis_replica.ts";
export * from "./tcp_proxy.ts";
