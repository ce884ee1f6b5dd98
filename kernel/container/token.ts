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
 */
export function token<Value>(name: string): Token<Value> {
  return { name };
}
