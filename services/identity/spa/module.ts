import type { Module, Service } from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import { serverCheck } from "../http/server_check.ts";
import { serviceHealthRoute } from "../http/service_health_route.ts";
import {
  identityService,
  type IdentityServiceOptions,
} from "../identity_service.ts";
import { consoleFiles } from "./http/console_files.ts";
import { consoleRoutes } from "./http/console_routes.ts";
import { pagePolicy } from "./http/page_policy.ts";

/**
 * The console's server: its pages, and where they find the others. It keeps
 * nothing, and no token passes through it.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function spaService(
  config: IdentityConfig,
  options?: IdentityServiceOptions,
): Service {
  return identityService(config, {
    module: spaModule(config),
    openApi: {
      title: "Mainstay console",
      description: "Serves the console, a single-page relying party.",
    },
  }, options);
}

function spaModule(config: IdentityConfig): Module {
  return {
    name: "spa",
    setup(kernel) {
      const { issuer, idpUrl, rsUrl, spaClientId } = config;
      kernel.health.register(
        serverCheck("authz", config.authzInternalUrl ?? issuer),
      );
      kernel.health.register(
        serverCheck("idp", config.idpInternalUrl ?? idpUrl),
      );
      const files = consoleFiles(config.consoleFolder);
      return {
        parts: [files],
        routes: [
          serviceHealthRoute(kernel, { path: "/health", service: "spa-rp" }),
          ...consoleRoutes({
            files,
            config: {
              issuer,
              clientId: spaClientId,
              resourceServer: rsUrl,
              identityProvider: idpUrl,
            },
            policy: pagePolicy(config),
          }),
        ],
      };
    },
  };
}
