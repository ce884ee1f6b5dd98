import type { Token } from "./token.ts";

/** How a provided value is made, kept and let go. */
export interface ProviderOptions<Value> {
  /** `singleton` (default): one per container; `scoped`: one per scope; `transient`: one per `get`. */
  readonly lifetime?: "singleton" | "scoped" | "transient";
  /** Called once for each value made, in reverse order of making, when its container or scope is disposed. */
  readonly dispose?: (value: Value) => void | Promise<void>;
}

/** Holds what the modules of one service provide to each other. */
export interface Container {
  /**
   * Provides `make`'s value under `token`, made at the first `get`.
   *
   * @throws {TypeError} If the token's name is taken.
   */
  provide<Value>(
    token: Token<Value>,
    make: (container: Container) => Value,
    options?: ProviderOptions<Value>,
  ): void;
  /**
   * @throws {TypeError} If nothing is provided under `token`, naming what is; or
   *   if making it needs itself, naming the circle.
   */
  get<Value>(token: Token<Value>): Value;
  has(token: Token<unknown>): boolean;
  /** A child that sees all of this and keeps `scoped` values of its own. */
  scope(): Container;
  /** Disposes what was made, last first. Idempotent; failures are gathered in one `AggregateError`. */
  dispose(): Promise<void>;
}
