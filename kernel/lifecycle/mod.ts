/**
 * What a service is made of, and its life from start to end.
 *
 * @module
 */
export * from "./background_job.ts";
export * from "./clock.ts";
export * from "./create_kernel.ts";
export * from "./create_service_kernel.ts";
export * from "./fake_clock.ts";
export * from "./host.ts";
export * from "./module.ts";
export * from "./operations_routes.ts";
export * from "./order_modules.ts";
export * from "./part.ts";
export * from "./route.ts";
export { run, type RunOptions } from "./run.ts";
export * from "./service.ts";
export { start, type StartOptions } from "./start.ts";
export * from "./tokens.ts";
