/**
 * What the modules of one service provide to each other, by typed name.
 *
 * @module
 */
export * from "./container.ts";
export * from "./create_container.ts";
export * from "./token.ts";
