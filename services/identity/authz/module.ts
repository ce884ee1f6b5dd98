import { createPasswordHasher } from "@mainstay/adapters/passwords";
import {
  type Module,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import { administrationOf } from "../domain/audience.ts";
import { createClientAdministration } from "../domain/client_administration.ts";
import type { IdentityDatabase } from "../domain/identity_storage.ts";
import { createDpopNonces } from "../domain/dpop_nonce.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { createDpop } from "../http/dpop.ts";
import { problemPage } from "../http/page_layout.ts";
import { serviceHealthRoute } from "../http/service_health_route.ts";
import { faviconRoute } from "../http/favicon_route.ts";
import { stylesheetRoute } from "../http/stylesheet.ts";
import {
  identityService,
  type IdentityServiceOptions,
} from "../identity_service.ts";
import { keyRingPart } from "../worker/key_ring_part.ts";
import { adminRoutes } from "./http/admin/admin_routes.ts";
import { createAdminAccess } from "./http/admin_access.ts";
import { authorizeRoutes } from "./http/authorize_routes.ts";
import { createClientAuthentication } from "./http/client_authentication.ts";
import { createClientKeys } from "./http/client_keys.ts";
import { deviceAuthorizationRoute } from "./http/device_authorization_route.ts";
import { introspectionRoute } from "./http/introspection_route.ts";
import { metadataRoutes } from "./http/metadata_routes.ts";
import { parRoute } from "./http/par_route.ts";
import { revocationRoute } from "./http/revocation_route.ts";
import { secretRotationRoute } from "./http/secret_rotation_route.ts";
import { createTokenBinding } from "./http/token_binding.ts";
import { tokenRoute } from "./http/token_route.ts";
import { upkeep } from "./upkeep.ts";

/**
 * The authorization server: gives tokens to clients, and says of tokens whether
 * they are good.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function authzService(
  config: IdentityConfig,
  database: IdentityDatabase,
  options?: IdentityServiceOptions,
): Service {
  return identityService(config, {
    database,
    module: authzModule(config, database),
    publicUrl: config.issuer,
    problemPage,
    openApi: {
      title: "Mainstay authorization server",
      description: "OAuth 2.1 and OpenID Connect, and their administration.",
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: `An access token for the audience ${
            administrationOf(config.issuer)
          } alone, with the scope admin`,
        },
      },
    },
  }, options);
}

function authzModule(
  config: IdentityConfig,
  database: IdentityDatabase,
): Module {
  return {
    name: "authz",
    dependsOn: ["postgres"],
    setup(kernel) {
      const storage = database.open(kernel);
      const { clients, tokens } = storage;
      const { metrics } = kernel;
      const encryption = createKeyEncryption(config.keyEncryptionKeys);
      const allowPrivate = ["development", "test"].includes(config.environment);
      const keys = keyRingPart(kernel, {
        storage,
        encryption,
        rotation: {
          intervalMs: config.keyRotationIntervalMs,
          tokenLifetimeMs: config.accessTokenLifetimeMs,
        },
        clock: systemClock,
      });
      const hasher = createPasswordHasher();
      const { now } = systemClock;
      const authenticate = createClientAuthentication({
        issuer: config.issuer,
        clients,
        keys: createClientKeys({
          allowPrivate,
          now,
          log: kernel.log.child("client-keys"),
        }),
        encryption,
        replays: storage.replays,
        clock: systemClock,
      });
      const dpop = createDpop({
        origins: [config.issuer, ...(config.mtlsUrl ? [config.mtlsUrl] : [])],
        replays: storage.replays,
        now,
        nonces: config.dpopNonce
          ? createDpopNonces(config.keyEncryptionKeys[0]!)
          : undefined,
      });
      const bind = createTokenBinding(dpop);
      const authorizeAdmin = createAdminAccess({ config, tokens, dpop, now });
      return {
        parts: [
          ...storage.parts,
          keys,
          { name: "password-hashing", stop: () => hasher.close() },
        ],
        background: upkeep(kernel, {
          config,
          allowPrivate,
          storage,
          keys,
          clock: systemClock,
        }),
        routes: [
          serviceHealthRoute(kernel, { path: "/health", service: "authz" }),
          ...metadataRoutes(config, keys),
          ...authorizeRoutes({ config, ...storage, now }),
          stylesheetRoute,
          faviconRoute,
          tokenRoute({
            config,
            ...storage,
            keys,
            authenticate,
            bind,
            now,
            metrics,
          }),
          parRoute({ config, ...storage, authenticate, dpop, now }),
          deviceAuthorizationRoute({ config, ...storage, authenticate, now }),
          secretRotationRoute({
            administration: createClientAdministration({
              storage,
              encryption,
              now,
            }),
            authenticate,
            authorizeAdmin,
          }),
          introspectionRoute({ config, tokens, authenticate, now, metrics }),
          revocationRoute({ tokens, authenticate }),
          ...adminRoutes({
            storage,
            encryption,
            authorizeAdmin,
            hashPassword: hasher.hash,
            now,
          }),
        ],
      };
    },
  };
}
