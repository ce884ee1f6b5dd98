export * from "./clock.ts";
export * from "./fake_clock.ts";
export * from "./module.ts";
export * from "./part.ts";
export * from "./route.ts";
export * from "./service.ts";
