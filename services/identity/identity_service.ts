import {
  httpListeners,
  type OpenApiOptions,
  type ProblemPage,
} from "@mainstay/adapters/http";
import { postgresModule } from "@mainstay/adapters/postgres";
import {
  createServiceKernel,
  type Module,
  type Service,
} from "@mainstay/kernel/lifecycle";
import { checkIdentityConfig, type IdentityConfig } from "./config.ts";
import type { IdentityDatabase } from "./domain/identity_storage.ts";
import { identityProblems } from "./http/problems.ts";
import { proxyWarning } from "./http/proxy_warning.ts";

/** What a user of a server adds to it. */
export interface IdentityServiceOptions {
  /** Checks, metrics, parts and routes of one's own. */
  readonly modules?: readonly Module[];
  /** Takes the log's lines. Default: standard output. */
  readonly writeLog?: (line: string) => void;
}

/** What is one server's own. */
export interface IdentityServerParts {
  readonly module: Module;
  /** How browsers and clients know it. */
  readonly publicUrl: string;
  readonly openApi: OpenApiOptions;
  /** For a server that people's browsers come to. */
  readonly problemPage?: ProblemPage;
  /** None: the server keeps nothing. */
  readonly database?: IdentityDatabase;
}

/**
 * One of the identity servers around its module: kernel, database, listeners.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function identityService(
  config: IdentityConfig,
  { module, publicUrl, openApi, problemPage, database }: IdentityServerParts,
  { modules = [], writeLog }: IdentityServiceOptions = {},
): Service {
  checkIdentityConfig(config);
  return {
    kernel: createServiceKernel(
      config,
      writeLog === undefined ? {} : { write: writeLog },
    ),
    modules: [
      ...(database === undefined
        ? []
        : [postgresModule(config, { migrations: database.migrations })]),
      proxyWarning(config, publicUrl),
      module,
      ...modules,
    ],
    listeners: httpListeners({
      ...config,
      corsOrigins: [config.spaUrl, ...config.corsOrigins ?? []],
    }, {
      problems: identityProblems,
      openApi,
      ...(problemPage && { problemPage }),
      mtls: config,
    }),
    shutdown: config,
  };
}
