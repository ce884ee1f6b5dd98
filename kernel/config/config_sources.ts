/** Where a configuration is read from. Default: the process. */
export interface ConfigSources {
  /** Default `Deno.args`. */
  readonly args?: readonly string[];
  /** Default: `Deno.env`, asked only for the variables of known settings. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Reads `--config=FILE` and files of secrets. Default `Deno.readTextFileSync`. */
  readonly readTextFile?: (path: string) => string;
}
