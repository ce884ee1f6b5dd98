import type { Module, Service } from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import { serverCheck } from "../http/server_check.ts";
import { serviceHealthRoute } from "../http/service_health_route.ts";
import {
  identityService,
  type IdentityServiceOptions,
} from "../identity_service.ts";
import { consoleFiles } from "./http/console_files.ts";
import {
  consoleRoutes,
  type ConsoleRoutesOptions,
  createPageServer,
} from "./http/console_routes.ts";
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
  const files = consoleFiles(config.consoleFolder);
  const page = createPageServer(files, pagePolicy(config));
  return identityService(config, {
    module: spaModule(config, { files, page }),
    publicUrl: config.spaUrl,
    // The console says itself that nothing is at an address.
    problemPage: ({ status }, request) =>
      status === 404 ? page(request, status) : undefined,
    openApi: {
      title: "Mainstay console",
      description: "Serves the console, a single-page relying party.",
    },
  }, options);
}

function spaModule(
  config: IdentityConfig,
  served: Pick<ConsoleRoutesOptions, "files" | "page">,
): Module {
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
      return {
        parts: [served.files],
        routes: [
          serviceHealthRoute(kernel, { path: "/health", service: "spa-rp" }),
          ...consoleRoutes({
            ...served,
            config: {
              issuer,
              clientId: spaClientId,
              resourceServer: rsUrl,
              identityProvider: idpUrl,
            },
          }),
        ],
      };
    },
  };
}
