import { OperationalError } from "../errors/operational_error.ts";
import { visible } from "./quote.ts";

/** One thing that is wrong with the configuration. */
export interface ConfigMistake {
  /** The variable, flag or YAML key, as its user knows it. */
  readonly name: string;
  /** What it got, quoted and cut; never there for a secret. */
  readonly got?: string;
  /** What is wrong and what is expected. Holds no value. */
  readonly detail: string;
  /** Where the value came from: `environment`, `command line`, `config.yml:12:3`, a file. */
  readonly origin?: string;
}

/**
 * A configuration that cannot be used; names every mistake at once.
 *
 * The message has one line a mistake and is meant for whoever starts the
 * service. It holds no secret.
 */
export class ConfigError extends OperationalError<"invalid-configuration"> {
  readonly mistakes: readonly ConfigMistake[];

  constructor(mistakes: readonly ConfigMistake[]) {
    const count = mistakes.length === 1
      ? "1 mistake"
      : `${mistakes.length} mistakes`;
    super(
      "invalid-configuration",
      [
        `Cannot use the configuration: it has ${count}`,
        ...mistakes.map(describeMistake),
      ].join("\n"),
    );
    this.mistakes = mistakes;
  }
}

function describeMistake({ name, got, detail, origin }: ConfigMistake): string {
  const asides = [
    ...(got === undefined ? [] : [`got ${got}`]),
    ...(origin === undefined ? [] : [`from ${origin}`]),
  ].join(" ");
  return visible(`  ${name}: ${detail}${asides && ` (${asides})`}`);
}
