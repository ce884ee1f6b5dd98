import type { Container } from "../container/container.ts";
import type { HealthRegistry } from "../health/health_registry.ts";
import type { Logger } from "../logging/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Part } from "./part.ts";
import type { Route } from "./route.ts";

/** Who a service says it is: in logs, in `build_info` and in health bodies. */
export interface ServiceIdentity {
  readonly name: string;
  readonly version: string;
  readonly environment: string;
}

/** What every module of one service shares. */
export interface Kernel {
  readonly identity: ServiceIdentity;
  readonly log: Logger;
  readonly health: HealthRegistry;
  readonly metrics: Metrics;
  /** Holds the four above, the configuration, and what modules provide. */
  readonly container: Container;
}

/** What a module brings to its service. */
export interface ModuleParts {
  /** Connections and the like: started in this order before the service listens, stopped in reverse. */
  readonly parts?: readonly Part[];
  /** Work that needs no request: started once the service listens, stopped before `parts`. */
  readonly background?: readonly Part[];
  /** Served on the service's public listener. */
  readonly routes?: readonly Route[];
}

/**
 * The unit that the kernel knows: a name, and what it adds to a service.
 *
 * `setup` runs before anything is started. It registers checks, metrics and
 * providers on the kernel that it is given, does no I/O, and returns its parts
 * and routes. Modules are set up in dependency order.
 */
export interface Module {
  /** Unique within one service; kebab-case. */
  readonly name: string;
  /** Names of modules that are set up and started before this one. */
  readonly dependsOn?: readonly string[];
  setup(kernel: Kernel): ModuleParts | void;
}
