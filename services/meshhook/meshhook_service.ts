import { httpListeners, type OpenApiOptions } from "@mainstay/adapters/http";
import { checkBackupConfig, postgresModule } from "@mainstay/adapters/postgres";
import {
  createServiceKernel,
  type Module,
  type Service,
} from "@mainstay/kernel/lifecycle";
import type { MeshhookConfig } from "./config.ts";
import type { MeshhookDatabase } from "./domain/meshhook_storage.ts";
import { meshhookProblems } from "./http/problems.ts";

/** What a user of a server adds to it. */
export interface MeshhookServiceOptions {
  /** Checks, metrics, parts and routes of one's own. */
  readonly modules?: readonly Module[];
  /** Takes the log's lines. Default: standard output. */
  readonly writeLog?: (line: string) => void;
}

/** Migrations, the check and the probe: the work has connections of its own. */
const OWNER_CONNECTIONS = 4;

/**
 * One of MeshHook's processes around its module: kernel, database, listeners.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function meshhookService(
  config: MeshhookConfig,
  { module, openApi, database, check = true }: {
    readonly module: Module;
    readonly openApi: OpenApiOptions;
    readonly database: MeshhookDatabase;
    /** Whether it is checked that PostgreSQL answers; else the module does. */
    readonly check?: boolean;
  },
  { modules = [], writeLog }: MeshhookServiceOptions = {},
): Service {
  checkBackupConfig(config);
  return {
    kernel: createServiceKernel(
      config,
      writeLog === undefined ? {} : { write: writeLog },
    ),
    modules: [
      postgresModule({ ...config, databaseMaxOpenConns: OWNER_CONNECTIONS }, {
        migrations: database.migrations,
        check,
      }),
      module,
      ...modules,
    ],
    listeners: httpListeners(config, { problems: meshhookProblems, openApi }),
    shutdown: config,
  };
}
