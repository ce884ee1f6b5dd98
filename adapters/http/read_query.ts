import {
  InvalidInput,
  type Mistake,
  unknownKey,
} from "@mainstay/kernel/errors";

/** What a query parameter is read with: undefined means "not accepted". */
export interface Parameter<Value> {
  /** As the mistake says it: "a whole number from 1 to 1000". */
  readonly expects: string;
  parse(text: string): Value | undefined;
  /** May come more than once: the value is a list. */
  readonly repeated?: boolean;
}

type Values<P extends Readonly<Record<string, Parameter<unknown>>>> = {
  readonly [Name in keyof P]?: P[Name] extends Parameter<infer Value>
    ? P[Name] extends { readonly repeated: true } ? readonly Value[] : Value
    : never;
};

/**
 * Reads a URL's query, each parameter by its row.
 *
 * @throws {InvalidInput} Naming every parameter that is unknown, repeated or malformed.
 */
export function readQuery<
  const P extends Readonly<Record<string, Parameter<unknown>>>,
>({ searchParams }: URL, parameters: P): Values<P> {
  const mistakes: Mistake[] = [];
  const values: Record<string, unknown> = {};
  const known = Object.keys(parameters);
  for (const name of new Set(searchParams.keys())) {
    const parameter = Object.hasOwn(parameters, name)
      ? parameters[name]
      : undefined;
    if (parameter === undefined) {
      mistakes.push({ ...unknownKey("", name, known), pointer: name });
      continue;
    }
    const texts = searchParams.getAll(name);
    if (texts.length > 1 && parameter.repeated !== true) {
      mistakes.push({ pointer: name, detail: "Expected once" });
      continue;
    }
    // As in a form: PostgreSQL's text holds no NUL.
    const parsed = texts.map((text) =>
      text.includes("\0") ? undefined : parameter.parse(text)
    );
    if (parsed.includes(undefined)) {
      mistakes.push({
        pointer: name,
        detail: `Expected ${parameter.expects}`,
      });
    }
    values[name] = parameter.repeated === true ? parsed : parsed[0];
  }
  if (mistakes.length > 0) {
    throw new InvalidInput(
      mistakes,
      "Cannot read the query: it has mistakes",
    );
  }
  return values as Values<P>;
}

/** A whole number of a range. */
export function wholeNumber(min: number, max: number): Parameter<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}
