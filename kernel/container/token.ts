declare const provided: unique symbol;

/** The typed name of something that a container holds. */
export interface Token<Value> {
  readonly name: string;
  readonly [provided]?: Value;
}

/**
 * Names a value of a container.
 *
 * @param name Unique in a container, camelCase.
 *
 * @example A token carries its type
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { createContainer, token } from "@mainstay/kernel/container";
 *
 * const retries = token<number>("retries");
 * const container = createContainer();
 * container.provide(retries, () => 3);
 * const value: number = container.get(retries);
 * strictEqual(value, 3);
 * ```
 */
export function token<Value>(name: string): Token<Value> {
  return { name };
}
