import { ConfigError } from "../config/config_error.ts";
import { describeConfig } from "../config/describe_config.ts";
import { resolveConfig } from "../config/read_config.ts";
import type { Config, Settings } from "../config/setting.ts";
import { settingsHelp } from "../config/settings_help.ts";
import { denoHost } from "./host.ts";
import { runtimeTelemetry } from "../telemetry/runtime_telemetry.ts";
import { OperationalError } from "../errors/operational_error.ts";
import { run } from "./run.ts";
import type { Service } from "./service.ts";

/** What a process says of itself on its command line. */
export interface StartOptions {
  /** What `--version` prints. Default `1.0.0`. */
  readonly version?: string;
  /** First lines of `--help`: what the process is for. */
  readonly about?: string;
}

/**
 * The whole `main.ts`: reads the configuration, builds the services, runs them
 * and ends the process.
 *
 * Exit codes: 0 done; 1 a start failed, something threw, or the shutdown
 * deadline cut something off; 2 the configuration or the command line is wrong
 * (every mistake is on standard error, and no secret); 130 or 143 a second
 * SIGINT or SIGTERM. `--help`, `--version` and `--print-config` print and end
 * with 0.
 *
 * @param build Is given the configuration; opens nothing yet.
 *
 * @example All that a service's main.ts holds
 * ```ts ignore
 * import { start } from "@mainstay/kernel/lifecycle";
 *
 * if (import.meta.main) {
 *   await start(eventsSettings, (config) => [
 *     eventsService(config, redisStorage),
 *   ]);
 * }
 * ```
 */
export async function start<S extends Settings>(
  settings: S,
  build: (config: Config<S>) => readonly Service[],
  { version = "1.0.0", about }: StartOptions = {},
): Promise<never> {
  if (Deno.args.includes("--help")) {
    print(
      Deno.stdout,
      `${about ? `${about}\n\n` : ""}${settingsHelp(settings)}`,
    );
    Deno.exit(0);
  }
  if (Deno.args.includes("--version")) {
    print(Deno.stdout, version);
    Deno.exit(0);
  }
  let services: readonly Service[];
  try {
    const { config, resolved } = resolveConfig(settings);
    if (Deno.args.includes("--print-config")) {
      print(Deno.stdout, describeConfig(resolved));
      Deno.exit(0);
    }
    refuseUnheardEndpoint(config);
    services = build(config);
  } catch (failure) {
    if (!(failure instanceof OperationalError)) throw failure;
    print(Deno.stderr, failure.message);
    Deno.exit(failure instanceof ConfigError ? 2 : 1);
  }
  // Held to the end: a signal that comes while the process goes down in order
  // must not turn its exit code into 143.
  denoHost.onSignal(() => {});
  Deno.exit(await run(services));
}

function print(to: { writeSync(bytes: Uint8Array): number }, text: string) {
  let rest = new TextEncoder().encode(text.endsWith("\n") ? text : `${text}\n`);
  while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
}

/** Telemetry that was asked for where nobody could hear it is a mistake, no detail. */
function refuseUnheardEndpoint(
  config: Readonly<Record<string, unknown>>,
): void {
  const { otlpEndpoint } = config;
  if (otlpEndpoint === undefined || runtimeTelemetry() !== undefined) return;
  throw new ConfigError([{
    name: "OTLP_ENDPOINT",
    detail:
      "is heard only in the environment of `deno task service:…` or of an image: telemetry begins with the process",
  }]);
}
