import { Degraded, httpCheck } from "@mainstay/kernel/health";
import {
  type Kernel,
  type Module,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import type { IdentityDatabase } from "../domain/identity_storage.ts";
import { createStatusBoard } from "../domain/status_board.ts";
import { createTokenCache, type TokenCache } from "../domain/token_cache.ts";
import { createAccessTokenGuard } from "../http/access_token_guard.ts";
import { createDpop } from "../http/dpop.ts";
import { createIssuerKeys } from "../http/issuer_keys.ts";
import { serverCheck } from "../http/server_check.ts";
import { serviceHealthRoute } from "../http/service_health_route.ts";
import {
  identityService,
  type IdentityServiceOptions,
} from "../identity_service.ts";
import { revocationFollower } from "../worker/revocation_follower.ts";
import { statusWatcher, type Watched } from "../worker/status_watcher.ts";
import { accountRoutes } from "./http/account_routes.ts";
import { adminRoutes } from "./http/admin_routes.ts";
import { resourceRoutes } from "./http/resource_routes.ts";
import { statusRoute } from "./http/status_route.ts";

/**
 * The resource server: what tokens are for. Resources of one's own, where one
 * is signed in, and the status of every service.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function rsService(
  config: IdentityConfig,
  database: IdentityDatabase,
  options?: IdentityServiceOptions,
): Service {
  // The console's scripts read its answers.
  return identityService(config, {
    database,
    module: rsModule(config, database),
    publicUrl: config.rsUrl,
    openApi: {
      title: "Mainstay resource server",
      description: "Resources, sessions and the status of every service.",
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "An access token of the authorization server (RFC 9068) for this server",
        },
      },
    },
  }, options);
}

function rsModule(config: IdentityConfig, database: IdentityDatabase): Module {
  return {
    name: "rs",
    dependsOn: ["postgres"],
    setup(kernel) {
      const { log, metrics, health } = kernel;
      const storage = database.open(kernel);
      const authzUrl = config.authzInternalUrl ?? config.issuer;
      const { elapsed, now } = systemClock;
      const cache = createTokenCache({
        maxTokens: config.tokenCacheSize,
        lifetimeMs: config.tokenCacheLifetimeMs,
        elapsed,
      });
      const guard = createAccessTokenGuard({
        issuer: config.issuer,
        audience: config.rsUrl,
        findKey: createIssuerKeys({
          url: new URL("/oauth2/v1/jwks", authzUrl),
          lifetimeMs: config.keyCacheLifetimeMs,
          elapsed,
        }),
        tokens: storage.tokens,
        cache,
        dpop: createDpop({
          origins: [config.rsUrl],
          replays: storage.replays,
          now,
        }),
        now,
        metrics,
      });
      const watched = watchedServices(config, kernel);
      const board = createStatusBoard(watched.map(({ service }) => service));
      health.register(serverCheck("authz", authzUrl));
      health.register(revocationCheck(cache));
      return {
        parts: [
          ...storage.parts,
          revocationFollower({
            feed: storage.revocations,
            cache,
            clock: systemClock,
            log: log.child("revocations"),
          }),
        ],
        background: [
          statusWatcher({
            watched,
            board,
            history: storage.statusHistory,
            intervalMs: config.statusIntervalMs,
            clock: systemClock,
            log: log.child("status"),
          }),
        ],
        routes: [
          serviceHealthRoute(kernel, { path: "/health", service: "rs" }),
          serviceHealthRoute(kernel, { path: "/api/v1/public/health" }),
          statusRoute(board, now),
          ...resourceRoutes(storage.resources, guard),
          ...accountRoutes({ storage, guard }),
          ...adminRoutes({
            users: storage.users,
            figures: storage.figures,
            guard,
          }),
        ],
      };
    },
  };
}

/** Without it, a revocation is believed a second late, and the database is asked more. */
function revocationCheck(cache: TokenCache) {
  return {
    name: "revocations",
    critical: false,
    downIntervalMs: 250,
    check() {
      if (!cache.hearing) throw new Degraded("Revocations are not heard");
      return { tokensAtHand: cache.size };
    },
  };
}

/** The identity servers, this one included, and what the configuration adds. */
function watchedServices(
  config: IdentityConfig,
  { health }: Pick<Kernel, "health">,
): readonly Watched[] {
  const others = [
    { name: "authz", url: config.authzInternalUrl ?? config.issuer },
    { name: "idp", url: config.idpInternalUrl ?? config.idpUrl },
    { name: "spa-rp", url: config.spaInternalUrl ?? config.spaUrl },
    ...config.statusServices ?? [],
  ].map(({ name, url }): Watched => {
    const asked = httpCheck({ url: new URL("/readyz", url) });
    return {
      service: name,
      async isReady(signal) {
        await asked.check(signal);
        return true;
      },
    };
  });
  const self: Watched = {
    service: "rs",
    isReady() {
      const { status, draining } = health.snapshot({ group: "ready" });
      return Promise.resolve(
        !draining && (status === "healthy" || status === "degraded"),
      );
    },
  };
  return [...others.slice(0, 2), self, ...others.slice(2)];
}
