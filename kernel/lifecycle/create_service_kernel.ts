import type { Config } from "../config/setting.ts";
import type { serviceSettings } from "../config/service_settings.ts";
import type { LoggingOptions } from "../logging/logging.ts";
import { createKernel } from "./create_kernel.ts";
import type { Kernel } from "./module.ts";

/**
 * Builds the kernel of a service that is configured with `serviceSettings`: it
 * is called, logs and keeps its configuration as that says.
 *
 * @param options Where log lines go; default standard output.
 *
 * @example The kernel of a configured service
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { readConfig, serviceSettings } from "@mainstay/kernel/config";
 * import { createServiceKernel } from "@mainstay/kernel/lifecycle";
 *
 * const config = readConfig(serviceSettings, {
 *   args: ["--service-name=greetings"],
 *   env: {},
 * });
 *
 * assertEquals(createServiceKernel(config).identity.name, "greetings");
 * ```
 */
export function createServiceKernel(
  config: Config<typeof serviceSettings>,
  options: Pick<LoggingOptions, "write"> = {},
): Kernel {
  return createKernel({
    identity: {
      name: config.serviceName,
      version: config.serviceVersion,
      environment: config.environment,
    },
    logging: {
      level: config.logLevel,
      format: config.logFormat,
      timezone: config.timezone,
      ...options,
    },
    config,
  });
}
