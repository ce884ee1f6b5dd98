export * from "./container.ts";
export * from "./token.ts";
