/**
 * Real servers and processes for tests, each ended with the test that started
 * it, and a log that keeps its lines. The clock that a test moves is the kernel's
 * `createFakeClock`.
 *
 * @module
 */
export * from "./best_of_three.ts";
export * from "./capture_logger.ts";
export * from "./eventually.ts";
export * from "./keep_alive_client.ts";
export * from "./redis_per_file.ts";
export * from "./start_postgres.ts";
export * from "./start_process.ts";
export * from "./start_redis.ts";
export * from "./start_redis_cluster.ts";
export * from "./start_redis_replica.ts";
export * from "./start_tls_redis.ts";
export * from "./tcp_proxy.ts";
export * from "./test_authority.ts";
