/** Turns a variable's text, or a YAML value, into a typed value. */
export interface Kind<Value> {
  /** What is accepted, as the error message says it: "a port, 1–65535". */
  readonly expects: string;
  /** @throws {RangeError} With what is wrong, without the value, if that is not obvious from `expects`. */
  parse(input: unknown): Value;
  /** How a value is shown by `--print-config` and in `.env.example`. */
  format(value: Value): string;
}

/** One thing that can be configured. */
export interface Setting<Value> {
  /** The environment variable, such as `REDIS_HOST`. `REDIS_HOST_FILE` works for secrets. */
  readonly env: string;
  /** Dotted path in the YAML file. Default: the variable in lower case with `-` for `_`. */
  readonly yaml?: string;
  readonly kind: Kind<Value>;
  readonly description: string;
  /** Without one, and not `optional`, the setting is required. A function sees `ENVIRONMENT`. */
  readonly default?: Value | ((environment: string) => Value);
  readonly optional?: boolean;
  /** Never printed; may come from a file named by `<env>_FILE`. */
  readonly secret?: boolean;
}

/** Settings by the name that the code uses. */
// deno-lint-ignore no-explicit-any -- a record of settings of unlike values
export type Settings = Readonly<Record<string, Setting<any>>>;

/** The values of {@link Settings}. */
export type Config<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends { readonly optional: true }
    ? ValueOf<S[Name]> | undefined
    : ValueOf<S[Name]>;
};

type ValueOf<S> = S extends { readonly kind: Kind<infer Value> } ? Value
  : never;
