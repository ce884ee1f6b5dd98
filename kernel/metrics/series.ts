/** The value that every label has in the series which counts what found no place. */
export const OVERFLOW = "overflow";

const MAX_LABEL_LENGTH = 256;

/**
 * The series of one metric by their label values, bounded.
 *
 * Label values may be any text. Two label sets share a series only when they
 * show alike: lone surrogates and NUL, which no exposition can carry, are
 * replaced, and a value is cut at 256 characters.
 */
export class Series<Cell> {
  readonly #names: readonly string[];
  readonly #max: number;
  readonly #create: (labels: Readonly<Record<string, string>>) => Cell;
  readonly #cells = new Map<string, Cell>();
  #overflow: Cell | undefined;

  constructor(
    names: readonly string[],
    max: number,
    create: (labels: Readonly<Record<string, string>>) => Cell,
  ) {
    this.#names = names;
    this.#max = max;
    this.#create = create;
  }

  /**
   * The series of a label set; past the limit, the overflow series.
   *
   * @throws {TypeError} When a label is missing or unknown.
   */
  at(labels: Readonly<Record<string, string>>): Cell {
    const key = this.#key(labels);
    const cell = this.#cells.get(key);
    if (cell !== undefined) return cell;
    this.#check(labels);
    if (this.#cells.size >= this.#max) {
      return this.#overflow ??= this.#create(this.#labels(() => OVERFLOW));
    }
    const created = this.#create(this.#labels((name) => clean(labels[name])));
    this.#cells.set(key, created);
    return created;
  }

  /** Drops a series; its place can be taken by another. */
  remove(labels: Readonly<Record<string, string>>): void {
    this.#cells.delete(this.#key(labels));
  }

  /** Every series, the overflow series last. */
  *all(): Iterable<Cell> {
    yield* this.#cells.values();
    if (this.#overflow !== undefined) yield this.#overflow;
  }

  /** Unambiguous whatever the values hold: each but the first is led by the length of those before. */
  #key(labels: Readonly<Record<string, string>>): string {
    const names = this.#names;
    if (names.length === 0) return "";
    let key = clean(labels[names[0] as string]);
    for (let i = 1; i < names.length; i++) {
      key = `${key.length}:${key}${clean(labels[names[i] as string])}`;
    }
    return key;
  }

  #labels(value: (name: string) => string): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#names.map((name) => [name, value(name)]));
  }

  #check(labels: Readonly<Record<string, string>>): void {
    const given = Object.keys(labels);
    const wrong = given.find((name) => !this.#names.includes(name)) ??
      this.#names.find((name) => labels[name] === undefined);
    if (wrong === undefined) return;
    throw new TypeError(
      `Cannot find the series: label "${wrong}" is ${
        given.includes(wrong) ? "unknown or undefined" : "missing"
      }`,
    );
  }
}

function clean(value: string | undefined): string {
  const text = String(value);
  const short = text.length > MAX_LABEL_LENGTH
    ? text.slice(0, MAX_LABEL_LENGTH)
    : text;
  return short.isWellFormed() && !short.includes("\0")
    ? short
    : short.toWellFormed().replaceAll("\0", "\ufffd");
}
