/** One `--option` of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** What stands for the value in the help: `<id>`. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly description: string;
}

/** Options by name, without the dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of {@link OptionSpecs}: false or undefined when not given. */
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { type: "boolean" }
    ? boolean
    : Specs[Name] extends { multiple: true } ? readonly string[]
    : string | undefined;
};

/** What a command was given. */
export interface CommandInput<Specs extends OptionSpecs> {
  readonly options: OptionValues<Specs>;
  /** What stands beside the options, in order. */
  readonly args: readonly string[];
}

/** How a command speaks. */
export interface CommandIo {
  /** A line for a person, on standard output. With `--json`: nothing. */
  print(text: string): void;
  /** The one document of `--json`, on standard output. Without: nothing. */
  emit(document: unknown): void;
  /**
   * With `--json`: a document of its own line, as JSON text; for a command that
   * goes on until it is ended, and so has no one document. Without: nothing.
   */
  emitLine(json: string): void;
  /** A line beside the result (progress, logs), on standard error. */
  note(text: string): void;
  /**
   * Whether nobody reads standard output any more, as in `… | head -1`: what
   * was written last went nowhere. A command without an end then ends.
   */
  readonly abandoned: boolean;
  /** Whether `--json` was given. */
  readonly json: boolean;
}

/** Something that an operator does. */
export interface CommandSpec<Specs extends OptionSpecs> {
  /** The word on the command line. */
  readonly name: string;
  /** One line, without a period, for the list. */
  readonly summary: string;
  /** Paragraphs: what it does and promises. */
  readonly help: string;
  /** What follows the name: `<id>...`. Without it, arguments are refused. */
  readonly usage?: string;
  /** Command lines that work, shown in the help. */
  readonly examples?: readonly string[];
  readonly options?: Specs;
  /**
   * @returns The exit code: 0 done (also for nothing), 1 refused or failed.
   * @throws {UsageError} If it was used wrongly: exit code 2.
   */
  run(input: CommandInput<Specs>, io: CommandIo): Promise<0 | 1 | void>;
}

/** A command of any options, as the table holds it. */
export type Command = CommandSpec<OptionSpecs>;

/** Commands under one word: `mainstay events tail`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  readonly commands: ReadonlyArray<Command | CommandGroup>;
}

/** A command for the table; its options are typed by their specs. */
export function defineCommand<const Specs extends OptionSpecs = OptionSpecs>(
  spec: CommandSpec<Specs>,
): Command {
  // Sound: the parser gives a command exactly the options of its own specs.
  return spec as unknown as Command;
}
