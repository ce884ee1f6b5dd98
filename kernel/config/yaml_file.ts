import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";
import type { ConfigMistake } from "./config_error.ts";
import { interpolate } from "./interpolate.ts";
import { nearest } from "./nearest.ts";

/** Variables that the YAML parser reads by itself, for its own debugging. */
export const YAML_PARSER_VARIABLES = ["LOG_STREAM", "LOG_TOKENS"] as const;

/** A value of a YAML file: text as it was written, and where. */
export interface YamlValue {
  readonly value: string | readonly string[];
  /** `config.yml:12:3`. */
  readonly origin: string;
}

/** What a YAML file says. */
export interface YamlFile {
  /** By dotted path; what is null or empty is left out. */
  readonly values: ReadonlyMap<string, YamlValue>;
  readonly mistakes: readonly ConfigMistake[];
}

/** What reading a file's settings needs to know. */
export interface YamlReading {
  /** The file's name, for messages. */
  readonly file: string;
  /** The dotted paths that are settings; any other is a mistake. */
  readonly paths: ReadonlySet<string>;
  /** A variable's value for `${NAME}`; undefined if it is not set. */
  readonly lookUp: (name: string) => string | undefined;
}

/**
 * Reads the settings of a YAML file.
 *
 * Scalars stay the text that was written, so that `version: 1.10` is not 1.1;
 * their kinds parse them. Variables are filled in after parsing, so that no
 * value of a variable can change the file's structure.
 */
export function readYamlFile(content: string, reading: YamlReading): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(content, {
    lineCounter: lines,
    // Pretty messages quote the source, which may hold a secret; codes do not.
    prettyErrors: false,
    logLevel: "silent",
  });
  const walk = new Walk(document, lines, reading);
  const broken = document.errors[0];
  if (broken !== undefined) {
    const reason = broken.code.toLowerCase().replaceAll("_", " ");
    walk.refuse("--config", `is not valid YAML: ${reason}`, broken.pos[0]);
  } else if (document.contents !== null) {
    walk.visit(document.contents, "");
  }
  return walk;
}

class Walk implements YamlFile {
  readonly values = new Map<string, YamlValue>();
  readonly mistakes: ConfigMistake[] = [];
  readonly #targets: ReadonlyMap<Alias, unknown>;
  readonly #lines: LineCounter;
  readonly #reading: YamlReading;

  constructor(document: Document, lines: LineCounter, reading: YamlReading) {
    this.#targets = targetsOf(document);
    this.#lines = lines;
    this.#reading = reading;
  }

  refuse(name: string, detail: string, offset: number): void {
    this.mistakes.push({ name, detail, origin: this.#placeOf(offset) });
  }

  /** Ends for any input: only beginnings of known paths are gone into. */
  visit(given: unknown, path: string, offset = 0): void {
    const node = this.#targetOf(given);
    if (this.#reading.paths.has(path)) {
      this.#keep(node, path, offset);
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key)
          ? String(key.value)
          : "(a key that is no text)";
        const inner = path === "" ? name : `${path}.${name}`;
        const at = isScalar(key) ? key.range?.[0] : undefined;
        if (this.#leadsSomewhere(inner)) this.visit(value, inner, at);
        else this.#refuseUnknown(inner, at ?? offset);
      }
    } else if (!isScalar(node) || node.value !== null) {
      this.refuse(path || "--config", "is not a map of settings", offset);
    }
  }

  #targetOf(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  #leadsSomewhere(path: string): boolean {
    const { paths } = this.#reading;
    return paths.has(path) ||
      paths.values().some((known) => known.startsWith(`${path}.`));
  }

  #refuseUnknown(path: string, offset: number): void {
    const near = nearest(path, this.#reading.paths);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    this.refuse(path.slice(0, 200), `is no known key${hint}`, offset);
  }

  #keep(node: unknown, path: string, offset: number): void {
    const value = isSeq(node)
      ? node.items.map((item) => this.#textOf(item, path, offset) ?? "")
      : this.#textOf(node, path, offset);
    if (value === undefined || value === "") return;
    if (this.values.has(path)) this.refuse(path, "is given twice", offset);
    this.values.set(path, { value, origin: this.#placeOf(offset) });
  }

  #textOf(given: unknown, path: string, offset: number): string | undefined {
    const node = this.#targetOf(given);
    if (node === null || node === undefined) return undefined;
    if (!isScalar(node)) {
      this.refuse(path, "is not one value or a list of values", offset);
      return undefined;
    }
    if (node.value === null) return undefined;
    const written = typeof node.value === "string"
      ? node.value
      : node.source ?? String(node.value);
    const { text, missing } = interpolate(written, this.#reading.lookUp);
    for (const name of missing) {
      this.refuse(path, `needs the variable ${name}, which is not set`, offset);
    }
    return missing.length > 0 ? undefined : text;
  }

  #placeOf(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#reading.file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  }
}

/** What each alias stands for. In one pass: `resolve()` of an alias reads the whole document. */
function targetsOf(document: Document): ReadonlyMap<Alias, unknown> {
  const anchored = new Map<string, unknown>();
  const targets = new Map<Alias, unknown>();
  visit(document, {
    Alias: (_key, alias) => void targets.set(alias, anchored.get(alias.source)),
    Value(_key, node) {
      if (node.anchor !== undefined) anchored.set(node.anchor, node);
    },
  });
  return targets;
}
