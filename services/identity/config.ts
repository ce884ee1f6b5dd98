import { httpSettings, mtlsSettings } from "@mainstay/adapters/http";
import {
  backupSettings,
  checkBackupConfig,
  postgresSettings,
} from "@mainstay/adapters/postgres";
import {
  boolean,
  type Config,
  ConfigError,
  type ConfigMistake,
  defineSettings,
  duration,
  encryptionKeys,
  type Kind,
  serviceSettings,
  text,
  url,
} from "@mainstay/kernel/config";
import { resourceSettings } from "./resource_settings.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A server's own address as others know it: an origin, without a path. */
const publicUrl: Kind<string> = {
  ...url(),
  expects: "an origin such as https://id.example",
  parse(input) {
    const given = url().parse(input);
    if (new URL(given).origin === given) return given;
    throw new RangeError("is no origin such as https://id.example");
  },
};

/** `smtp:` or `smtps:`, with a user and a password where the server asks for them. */
const smtpUrl: Kind<string> = {
  expects: "an address such as smtp://user:password@mail.example:587",
  format: (value) => value,
  parse(input) {
    const given = String(input);
    const { protocol, hostname } = URL.canParse(given)
      ? new URL(given)
      : { protocol: "", hostname: "" };
    if (/^smtps?:$/.test(protocol) && hostname !== "") return given;
    throw new RangeError("is no address such as smtp://mail.example:587");
  },
};

const lifetime = duration({ min: 1_000, max: 400 * DAY_MS });

/** What the four servers are configured with; one YAML file serves them all. */
const commonSettings = defineSettings({
  issuer: {
    env: "ISSUER",
    kind: publicUrl,
    description: "Public URL of the authorization server; the tokens' issuer",
    default: "http://localhost:8080",
  },
  idpUrl: {
    env: "IDP_URL",
    kind: publicUrl,
    description: "Public URL of the identity provider",
    default: "http://localhost:8081",
  },
  rsUrl: {
    env: "RS_URL",
    kind: publicUrl,
    description:
      "Public URL of the resource server; what tokens are for by default",
    default: "http://localhost:8082",
  },
  spaUrl: {
    env: "SPA_URL",
    kind: publicUrl,
    description: "Public URL of the console",
    default: "http://localhost:8083",
  },
  keyEncryptionKeys: {
    env: "KEY_ENCRYPTION_KEYS",
    kind: encryptionKeys(),
    description:
      "Keys that signing keys and other secrets are encrypted under: the first encrypts, all decrypt. Without them what is encrypted is lost",
    secret: true,
  },
  mtlsUrl: {
    env: "MTLS_URL",
    kind: publicUrl,
    description:
      "Public URL of the authorization server for clients with certificates; told to them in its metadata",
    optional: true,
  },
  dpopNonce: {
    env: "DPOP_NONCE",
    kind: boolean(),
    description:
      "Whether DPoP proofs to the authorization server must hold a nonce of its own",
    default: false,
  },
  accessTokenLifetimeMs: {
    env: "ACCESS_TOKEN_LIFETIME",
    kind: lifetime,
    description: "How long an access token is good",
    default: 10 * MINUTE_MS,
  },
  refreshTokenLifetimeMs: {
    env: "REFRESH_TOKEN_LIFETIME",
    kind: lifetime,
    description: "How long a refresh token is good, counted from its last use",
    default: 14 * DAY_MS,
  },
  refreshGraceMs: {
    env: "REFRESH_GRACE",
    kind: duration({ max: 5 * MINUTE_MS }),
    description:
      "How long the answer to a refresh may be asked for again, should it be lost",
    default: 10_000,
  },
  grantLifetimeMs: {
    env: "GRANT_LIFETIME",
    kind: lifetime,
    description: "How long a sign-in can be renewed at all",
    default: 90 * DAY_MS,
  },
  codeLifetimeMs: {
    env: "CODE_LIFETIME",
    kind: duration({ min: 1_000, max: 10 * MINUTE_MS }),
    description: "How long an authorization code is good",
    default: MINUTE_MS,
  },
  sessionLifetimeMs: {
    env: "SESSION_LIFETIME",
    kind: lifetime,
    description: "How long a browser stays signed in",
    default: 12 * HOUR_MS,
  },
  keyRotationIntervalMs: {
    env: "KEY_ROTATION_INTERVAL",
    kind: duration({ min: 2 * HOUR_MS, max: 400 * DAY_MS }),
    description:
      "How long a signing key signs; its successor is published an hour before",
    default: 90 * DAY_MS,
  },
  cleanupIntervalMs: {
    env: "CLEANUP_INTERVAL",
    kind: duration({ min: MINUTE_MS, max: DAY_MS }),
    description: "How often what has expired is deleted",
    default: HOUR_MS,
  },
  smtpUrl: {
    env: "SMTP_URL",
    kind: smtpUrl,
    description:
      "Server that mail is sent through: with TLS, unless it is localhost or ENVIRONMENT is development or test; without one it stays in the outbox, for `mainstay identity mail`",
    optional: true,
    secret: true,
  },
  mailFrom: {
    env: "MAIL_FROM",
    kind: text({ min: 3, max: 320 }),
    description: "Sender of mail",
    default: "Mainstay <no-reply@localhost>",
  },
  signUp: {
    env: "SIGN_UP",
    kind: boolean(),
    description: "Whether people may make themselves an account",
    default: (environment: string) => environment === "development",
  },
});

/** Which of the four servers is configured. */
export type IdentityServer = "authz" | "idp" | "rs" | "spa";

const SERVERS = {
  authz: { name: "authz", servicePort: 8080 },
  idp: { name: "idp", servicePort: 8081 },
  rs: { name: "rs", servicePort: 8082 },
  spa: { name: "spa-rp", servicePort: 8083 },
} as const;

/**
 * What a server without a use for it is not asked for, so that it need not hold
 * what would open the database or the keys.
 */
const WITHOUT_DATABASE = {
  databaseUrl: {
    ...postgresSettings.databaseUrl,
    default: "postgres://unused@unused.invalid/",
  },
};
const WITHOUT_KEYS = {
  keyEncryptionKeys: { ...commonSettings.keyEncryptionKeys, default: [] },
};

/** The settings of one server: the same for all but name, port and what it must be given. */
export function identitySettings(server: IdentityServer) {
  const { name, servicePort } = SERVERS[server];
  return {
    ...serviceSettings,
    ...httpSettings({ servicePort }),
    ...mtlsSettings,
    ...postgresSettings,
    databaseStatementTimeoutMs: {
      ...postgresSettings.databaseStatementTimeoutMs,
      // No statement of a request is long, and one that gets no answer has to
      // be given up within the request's time.
      default: 5_000,
    },
    ...backupSettings,
    ...commonSettings,
    ...resourceSettings,
    ...(server === "spa" ? WITHOUT_DATABASE : {}),
    ...(server === "spa" || server === "rs" ? WITHOUT_KEYS : {}),
    serviceName: { ...serviceSettings.serviceName, default: name },
  };
}

/** The values of {@link identitySettings}. */
export type IdentityConfig = Config<ReturnType<typeof identitySettings>>;

/**
 * Looks at what no setting alone can show.
 *
 * @throws {ConfigError} Naming every mistake.
 */
export function checkIdentityConfig(config: IdentityConfig): void {
  checkBackupConfig(config);
  const mistakes: ConfigMistake[] = [];
  const urls = {
    ISSUER: config.issuer,
    IDP_URL: config.idpUrl,
    RS_URL: config.rsUrl,
    SPA_URL: config.spaUrl,
  };
  for (const [name, value] of Object.entries(urls)) {
    const { protocol, hostname } = new URL(value);
    const local = hostname === "localhost";
    if (protocol !== "https:" && !local) {
      mistakes.push({
        name,
        detail: "is not https; only localhost may be without",
      });
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
}
