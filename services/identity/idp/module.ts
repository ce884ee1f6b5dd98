import { createPasswordHasher } from "@mainstay/adapters/passwords";
import {
  type Kernel,
  type Module,
  type Route,
  type Service,
  systemClock,
} from "@mainstay/kernel/lifecycle";
import type { IdentityConfig } from "../config.ts";
import type {
  IdentityDatabase,
  IdentityStorage,
} from "../domain/identity_storage.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { createPasswordSignIn } from "../domain/password_sign_in.ts";
import { createSecondFactor } from "../domain/second_factor.ts";
import { createTokenCache } from "../domain/token_cache.ts";
import { createAccessTokenGuard } from "../http/access_token_guard.ts";
import { createDpop } from "../http/dpop.ts";
import { createIssuerKeys } from "../http/issuer_keys.ts";
import { problemPage } from "../http/page_layout.ts";
import { serverCheck } from "../http/server_check.ts";
import { serviceHealthRoute } from "../http/service_health_route.ts";
import { faviconRoute } from "../http/favicon_route.ts";
import { stylesheetRoute } from "../http/stylesheet.ts";
import {
  identityService,
  type IdentityServiceOptions,
} from "../identity_service.ts";
import { mailJob } from "../worker/mail_job.ts";
import { revocationFollower } from "../worker/revocation_follower.ts";
import { accountRoutes } from "./http/account_routes.ts";
import { consentRoutes } from "./http/consent_route.ts";
import { idpCookies } from "./http/cookies.ts";
import { deviceRoutes } from "./http/device_route.ts";
import { endSessionRoutes } from "./http/end_session_routes.ts";
import { createIdpEvents } from "./http/events.ts";
import type { Idp } from "./http/idp.ts";
import { loginRoutes } from "./http/login_route.ts";
import { createPasskeyCeremony } from "./http/passkey_ceremony.ts";
import { passkeyRoutes } from "./http/passkey_routes.ts";
import { passkeyScriptRoute } from "./http/passkey_script.ts";
import { passwordRoutes } from "./http/password_routes.ts";
import { resetPasswordRoutes } from "./http/reset_password_routes.ts";
import { signUpRoutes } from "./http/sign_up_routes.ts";
import { totpRoutes } from "./http/totp_routes.ts";
import { userinfoRoutes } from "./http/userinfo_route.ts";
import { createVisits } from "./http/visit.ts";

/**
 * The identity provider: signs people in, asks what clients may have, and shows
 * them their accounts.
 *
 * @throws {ConfigError} If settings contradict each other.
 */
export function idpService(
  config: IdentityConfig,
  database: IdentityDatabase,
  options?: IdentityServiceOptions,
): Service {
  return identityService(config, {
    database,
    module: idpModule(config, database),
    publicUrl: config.idpUrl,
    problemPage,
    openApi: {
      title: "Mainstay identity provider",
      description: "Sign-in, consent and accounts.",
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "An access token with the scope openid",
        },
      },
    },
  }, options);
}

function idpModule(config: IdentityConfig, database: IdentityDatabase): Module {
  return {
    name: "idp",
    dependsOn: ["postgres"],
    setup(kernel) {
      const storage = database.open(kernel);
      const hasher = createPasswordHasher();
      const { guard, follower } = tokenGuard(kernel, config, storage);
      const idp = idpOf(kernel, { config, storage, hasher });
      kernel.health.register(
        serverCheck("authz", config.authzInternalUrl ?? config.issuer),
      );
      return {
        parts: [
          ...storage.parts,
          follower,
          { name: "password-hashing", stop: () => hasher.close() },
        ],
        background: config.smtpUrl === undefined ? [] : [
          mailJob(kernel, {
            outbox: storage.mail,
            encryption: idp.encryption,
            smtpUrl: config.smtpUrl,
            requireTls: mustUseTls(config),
            from: config.mailFrom,
            clock: systemClock,
          }),
        ],
        routes: [
          serviceHealthRoute(kernel, { path: "/health", service: "idp" }),
          ...userinfoRoutes(idp, guard),
          ...pageRoutes(idp).map((route) => ({ ...route, ...PAGE_RULES })),
        ],
      };
    },
  };
}

/** No script of another origin has a business on a page; no form is long. */
const PAGE_RULES = { crossOrigin: false, maxBodyBytes: 65_536 } as const;

/** What people see. */
function pageRoutes(idp: Idp): readonly Route[] {
  const ceremony = createPasskeyCeremony({
    idpUrl: idp.config.idpUrl,
    passkeys: idp.storage.passkeys,
    replays: idp.storage.replays,
    encryption: idp.encryption,
    cookies: idp.cookies,
    now: idp.now,
  });
  return [
    stylesheetRoute,
    faviconRoute,
    passkeyScriptRoute,
    ...loginRoutes(idp),
    ...passkeyRoutes(idp, ceremony),
    ...consentRoutes(idp),
    ...deviceRoutes(idp),
    ...endSessionRoutes(idp),
    ...signUpRoutes(idp),
    ...resetPasswordRoutes(idp),
    ...accountRoutes(idp),
    ...passwordRoutes(idp),
    ...totpRoutes(idp),
  ];
}

function idpOf(
  { log, metrics }: Kernel,
  { config, storage, hasher }: Pick<Idp, "storage" | "hasher"> & {
    readonly config: IdentityConfig;
  },
): Idp {
  const { now } = systemClock;
  const { users, sessions, attempts } = storage;
  const encryption = createKeyEncryption(config.keyEncryptionKeys);
  const cookies = idpCookies(config.idpUrl);
  return {
    config,
    storage,
    encryption,
    hasher,
    cookies,
    now,
    passwordSignIn: createPasswordSignIn({ users, attempts, hasher }),
    secondFactor: createSecondFactor({ ...storage, encryption, now }),
    openVisit: createVisits({
      idpUrl: config.idpUrl,
      cookies,
      sessions,
      encryption,
      now,
    }),
    events: createIdpEvents({ metrics, storage }),
    log: log.child("idp"),
  };
}

/** Tokens for userinfo are for the issuer itself. */
function tokenGuard(
  { log, metrics }: Kernel,
  config: IdentityConfig,
  storage: IdentityStorage,
) {
  const { elapsed, now } = systemClock;
  const cache = createTokenCache({
    maxTokens: config.tokenCacheSize,
    lifetimeMs: config.tokenCacheLifetimeMs,
    elapsed,
  });
  const guard = createAccessTokenGuard({
    issuer: config.issuer,
    audience: config.issuer,
    findKey: createIssuerKeys({
      url: new URL("/oauth2/v1/jwks", config.authzInternalUrl ?? config.issuer),
      lifetimeMs: config.keyCacheLifetimeMs,
      elapsed,
    }),
    tokens: storage.tokens,
    cache,
    dpop: createDpop({
      origins: [config.idpUrl],
      replays: storage.replays,
      now,
    }),
    now,
    metrics,
  });
  const follower = revocationFollower({
    feed: storage.revocations,
    cache,
    clock: systemClock,
    log: log.child("revocations"),
  });
  return { guard, follower };
}

/** A mail opens an account: in clear it goes to this machine alone, or in a test. */
function mustUseTls({ environment, smtpUrl }: IdentityConfig): boolean {
  return smtpUrl !== undefined && new URL(smtpUrl).hostname !== "localhost" &&
    !["development", "test"].includes(environment);
}
