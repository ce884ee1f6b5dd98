/**
 * Redis for one service: connections that say what became of a command.
 *
 * @module
 */
export * from "./create_redis.ts";
export * from "./redis.ts";
export * from "./redis_check.ts";
export * from "./redis_config.ts";
export * from "./redis_errors.ts";
export * from "./redis_module.ts";
export * from "./redis_settings.ts";
export { parseInfo } from "./server_info.ts";
