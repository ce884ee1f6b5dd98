import { type CommandLine, flagOf, readCommandLine } from "./command_line.ts";
import type { ConfigMistake } from "./config_error.ts";
import type { ConfigSources } from "./config_sources.ts";
import { quote } from "./quote.ts";
import type { Setting } from "./setting.ts";
import {
  readYamlFile,
  YAML_PARSER_VARIABLES,
  type YamlValue,
} from "./yaml_file.ts";

/** What a source gave, parsed; `wrong` if it did not parse (the mistake is noted). */
export type Reading =
  | { readonly state: "set"; readonly value: unknown; readonly origin: string }
  | { readonly state: "unset" }
  | { readonly state: "wrong" };

/** The dotted path of a setting in a YAML file. */
export function yamlPathOf({ env, yaml }: Setting<unknown>): string {
  return yaml ?? flagOf(env);
}

/** Looks for settings in the sources, in order of precedence, and notes what is wrong. */
export class SettingReader {
  readonly mistakes: ConfigMistake[] = [];
  readonly #sources: ConfigSources;
  readonly #commandLine: CommandLine;
  readonly #yaml: ReadonlyMap<string, YamlValue>;

  constructor(
    settings: readonly Setting<unknown>[],
    sources: ConfigSources,
  ) {
    this.#sources = sources;
    this.#commandLine = readCommandLine(
      sources.args ?? Deno.args,
      settings.map(({ env }) => flagOf(env)),
    );
    this.mistakes.push(...this.#commandLine.mistakes);
    this.#yaml = this.#readYaml(new Set(settings.map(yamlPathOf)));
  }

  /** The setting's value from the first source that has one. */
  read(setting: Setting<unknown>): Reading {
    const noted = this.mistakes.length;
    const found = this.#find(setting);
    if (found !== undefined) return this.#parse(setting, found);
    return { state: this.mistakes.length > noted ? "wrong" : "unset" };
  }

  #find(setting: Setting<unknown>): YamlValue | undefined {
    const { env, secret } = setting;
    const variable = this.#variable(env);
    const fileVariable = secret ? this.#variable(`${env}_FILE`) : undefined;
    if (variable !== undefined && fileVariable !== undefined) {
      this.#refuse(env, `is set, and so is ${env}_FILE; set one of them`);
    }
    const flag = this.#commandLine.values.get(flagOf(env));
    if (flag !== undefined) return { value: flag, origin: "command line" };
    if (variable !== undefined) {
      return { value: variable, origin: "environment" };
    }
    if (fileVariable !== undefined) {
      return this.#readSecretFile(`${env}_FILE`, fileVariable);
    }
    return this.#yaml.get(yamlPathOf(setting));
  }

  #parse(setting: Setting<unknown>, { value, origin }: YamlValue): Reading {
    const { env, kind, secret } = setting;
    try {
      return { state: "set", value: kind.parse(value), origin };
    } catch (failure) {
      // A kind made elsewhere may put the value into its message.
      const detail = failure instanceof RangeError && !secret
        ? failure.message
        : `is not ${kind.expects}`;
      const text = typeof value === "string" ? value : value.join(",");
      this.mistakes.push({
        name: env,
        ...(secret ? {} : { got: quote(text) }),
        detail,
        origin,
      });
      return { state: "wrong" };
    }
  }

  /** Undefined if not set, and if set to nothing. */
  #variable(name: string): string | undefined {
    const { env } = this.#sources;
    if (env !== undefined) {
      return Object.hasOwn(env, name) ? env[name] || undefined : undefined;
    }
    try {
      return Deno.env.get(name) || undefined;
    } catch (failure) {
      if (!(failure instanceof Deno.errors.NotCapable)) throw failure;
      this.#refuse(name, `may not be read; run with --allow-env=${name}`);
      return undefined;
    }
  }

  #readYaml(paths: ReadonlySet<string>): ReadonlyMap<string, YamlValue> {
    const file = this.#commandLine.configFile;
    const content = file && this.#readFile("--config", file);
    if (file === undefined || content === undefined) return new Map();
    try {
      const yaml = readYamlFile(content, {
        file,
        paths,
        lookUp: (name) => this.#variable(name),
      });
      this.mistakes.push(...yaml.mistakes);
      return yaml.values;
    } catch (failure) {
      if (!(failure instanceof Deno.errors.NotCapable)) throw failure;
      const names = YAML_PARSER_VARIABLES.join();
      this.#refuse(
        "--config",
        `cannot be parsed; run with --allow-env=${names}`,
      );
      return new Map();
    }
  }

  #readSecretFile(name: string, file: string): YamlValue | undefined {
    const content = this.#readFile(name, file, { secret: true })
      ?.replace(/\r?\n$/, "");
    if (content === "") {
      this.#refuse(name, "names a file that is empty", file);
    }
    return content ? { value: content, origin: `file ${file}` } : undefined;
  }

  /** @param secret Whether `file` is not shown: it may be the secret itself, put into the wrong variable. */
  #readFile(
    name: string,
    file: string,
    { secret = false } = {},
  ): string | undefined {
    try {
      return (this.#sources.readTextFile ?? Deno.readTextFileSync)(file);
    } catch (failure) {
      const reason = failure instanceof Deno.errors.NotCapable
        ? "it is in no folder of --allow-read"
        : failure instanceof Error
        ? failure.name
        : "unknown error";
      const detail = `names a file that cannot be read: ${reason}`;
      this.#refuse(name, detail, secret ? undefined : file);
      return undefined;
    }
  }

  #refuse(name: string, detail: string, got?: string): void {
    this.mistakes.push({
      name,
      detail,
      ...(got === undefined ? {} : { got: quote(got) }),
    });
  }
}
