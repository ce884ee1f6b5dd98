import { UsageError } from "../usage_error.ts";

/** Variables that cannot mean the same for two services of one host. */
const OWN = [
  "SERVICE_NAME",
  "SERVICE_PORT",
  "ADMIN_PORT",
  "PROBE_PORT",
  "MTLS_PORT",
];

/** One of the services that share this process' environment. */
export interface SharingService {
  /** In lower case; in upper case, with `_`, it begins its own variables. */
  readonly name: string;
  /** Used where the environment says nothing. */
  readonly defaults: Readonly<Record<string, string>>;
}

/**
 * The environment of one service among several: what all share, under the
 * service's defaults, with `AUTHZ_LOG_LEVEL=DEBUG` in place of `LOG_LEVEL` for
 * the service `authz`.
 *
 * @throws {UsageError} If a variable such as `SERVICE_PORT` is given to several.
 */
export function serviceEnvironment(
  { name, defaults }: SharingService,
  env: Readonly<Record<string, string>>,
  all: readonly SharingService[],
): Record<string, string> {
  if (all.length > 1) refuseSharedPorts(env, all);
  const prefix = prefixOf(name);
  const own = Object.entries(env)
    .filter(([variable]) => variable.startsWith(prefix))
    .map(([variable, value]) => [variable.slice(prefix.length), value]);
  return { ...defaults, ...env, ...Object.fromEntries(own) };
}

function refuseSharedPorts(
  env: Readonly<Record<string, string>>,
  all: readonly SharingService[],
): void {
  const shared = OWN.find((variable) => env[variable] !== undefined);
  if (shared === undefined) return;
  const names = all.map(({ name }) => `${prefixOf(name)}${shared}`);
  throw new UsageError(
    `${shared} cannot be the same for ${all.length} services: set ${
      names.join(", ")
    }, or name the one service to run`,
  );
}

function prefixOf(name: string): string {
  return `${name.toUpperCase()}_`;
}
