import { createAccessTokenVerifier } from "@mainstay/adapters/http";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import {
  type Module,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import { checkMeshhookConfig, type MeshhookConfig } from "./config.ts";
import type { MeshhookDatabase } from "./domain/meshhook_storage.ts";
import { deadLetterRoutes } from "./http/dead_letter_routes.ts";
import { HEALTH_GROUP, healthChecks } from "./http/health_checks.ts";
import { healthRoutes } from "./http/health_routes.ts";
import { createIntakeLimit } from "./http/intake_limit.ts";
import { intakeRoute } from "./http/intake_route.ts";
import { memberRoutes } from "./http/member_routes.ts";
import { projectRoutes } from "./http/project_routes.ts";
import {
  createProjectAccess,
  createProjectToRead,
  type VerifyToken,
} from "./http/project_access.ts";
import { openRealtime } from "./http/realtime/open_realtime.ts";
import { runRoutes } from "./http/run_routes.ts";
import { workflowRoutes } from "./http/workflow_routes.ts";
import {
  meshhookService as serviceAround,
  type MeshhookServiceOptions,
} from "./meshhook_service.ts";

/**
 * MeshHook's server: takes in webhooks, and says how all parts are.
 *
 * @throws {ConfigError} If settings contradict each other.
 * @throws {RangeError} If a key-encryption key is not of 32 bytes.
 */
export function meshhookService(
  config: MeshhookConfig,
  database: MeshhookDatabase,
  options?: MeshhookServiceOptions,
): Service {
  checkMeshhookConfig(config);
  return serviceAround(config, {
    database,
    module: meshhookModule(config, database),
    check: false,
    openApi: {
      title: "MeshHook",
      description: "Signed webhooks in, durable workflows, live logs.",
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description:
            "An API key of the project, or an access token of a member with the scopes meshhook:read and meshhook:write",
        },
      },
    },
  }, options);
}

function meshhookModule(
  config: MeshhookConfig,
  database: MeshhookDatabase,
): Module {
  return {
    name: "meshhook",
    dependsOn: ["postgres"],
    setup(kernel) {
      const storage = database.open(kernel, config);
      const encryption = createKeyEncryption(config.meshhookKek);
      const verifyToken = tokenVerifierOf(config);
      const forProject = createProjectAccess(storage.tenants, { verifyToken });
      const begun = () => storage.wakes.tell();
      const { probes, live, parts } = storage.openHealth();
      const realtime = openRealtime(kernel, config, {
        tenants: storage.tenants,
        feed: live,
        projectToRead: createProjectToRead(storage.tenants, { verifyToken }),
      });
      const checks = healthChecks({
        probes,
        liveLogs: realtime.liveLogs,
        supabase: realtime.supabase,
        encryption,
        now: systemClock.now,
        critical: config.healthCritical,
      });
      kernel.health.defineGroup(HEALTH_GROUP);
      for (const check of checks) kernel.health.register(check);
      return {
        parts: [...storage.parts, ...parts],
        background: realtime.background,
        routes: [
          ...healthRoutes(kernel),
          intakeRoute({
            hooks: storage.hooks,
            engine: storage.engine,
            encryption,
            maxBytes: config.maxWebhookBytes,
            limit: createIntakeLimit(
              config.webhookRateLimit,
              systemClock.elapsed,
            ),
            now: systemClock.now,
            begun,
          }),
          ...memberRoutes(forProject),
          ...projectRoutes(forProject, storage),
          ...workflowRoutes(forProject, { encryption }),
          ...runRoutes(forProject, {
            engine: storage.engine,
            now: systemClock.now,
            begun,
          }),
          ...deadLetterRoutes(forProject, { now: systemClock.now, begun }),
          realtime.route,
        ],
      };
    },
  };
}

function tokenVerifierOf(
  { authIssuer: issuer, authAudience: audience, authJwksUrl: jwksUrl }:
    MeshhookConfig,
): VerifyToken | undefined {
  return issuer === undefined || audience === undefined || jwksUrl === undefined
    ? undefined
    : createAccessTokenVerifier({ issuer, audience, jwksUrl });
}
