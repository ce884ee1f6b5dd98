/**
 * Private servers for development and tests: found, fetched, started, and ended
 * with the process that started them.
 *
 * @module
 */
export * from "./build_console.ts";
export type { Program } from "./debian_program.ts";
export * from "./file_lock.ts";
export * from "./find_chromium.ts";
export * from "./find_redis.ts";
export * from "./find_tool.ts";
export * from "./free_port.ts";
export * from "./kept_secret.ts";
export * from "./local_stack.ts";
export * from "./postgres_binaries.ts";
export * from "./postgres_server.ts";
export * from "./published_environment.ts";
export * from "./redis_binary.ts";
export * from "./redis_server.ts";
export * from "./server_user.ts";
export * from "./stack_unavailable.ts";
export * from "./state_folder.ts";
export * from "./supervised_process.ts";
