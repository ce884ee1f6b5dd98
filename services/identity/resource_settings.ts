import {
  defineSettings,
  duration,
  integer,
  type Kind,
  list,
  path,
  text,
  url,
} from "@mainstay/kernel/config";

/** A service to watch: its name, and where it answers. */
export interface WatchedService {
  readonly name: string;
  readonly url: string;
}

const watchedService: Kind<WatchedService> = {
  expects: "a name and a URL such as events=http://localhost:8000",
  format: (watched) => `${watched.name}=${watched.url}`,
  parse(input) {
    const [, name, address] = /^([a-z0-9-]{1,50})=(.+)$/.exec(String(input)) ??
      [];
    if (name === undefined) throw new RangeError("has no name=");
    return { name, url: url().parse(address) };
  },
};

/** What the resource server and the console's server are configured with. */
export const resourceSettings = defineSettings({
  authzInternalUrl: {
    env: "AUTHZ_INTERNAL_URL",
    kind: url(),
    description:
      "Where the other servers reach the authorization server, if not at ISSUER",
    optional: true,
  },
  idpInternalUrl: {
    env: "IDP_INTERNAL_URL",
    kind: url(),
    description:
      "Where the other servers reach the identity provider, if not at IDP_URL",
    optional: true,
  },
  spaInternalUrl: {
    env: "SPA_INTERNAL_URL",
    kind: url(),
    description:
      "Where the other servers reach the console's server, if not at SPA_URL",
    optional: true,
  },
  tokenCacheSize: {
    env: "TOKEN_CACHE_SIZE",
    kind: integer({ min: 0, max: 10_000_000 }),
    description: "Tokens whose state a verifier keeps at hand",
    default: 10_000,
  },
  tokenCacheLifetimeMs: {
    env: "TOKEN_CACHE_LIFETIME",
    kind: duration({ max: 3_600_000 }),
    description:
      "How long a verifier believes a token's state without asking again; a revocation ends it at once",
    default: 60_000,
  },
  keyCacheLifetimeMs: {
    env: "KEY_CACHE_LIFETIME",
    kind: duration({ min: 1_000, max: 86_400_000 }),
    description:
      "How long a verifier uses the issuer's public keys until it looks for new ones",
    default: 300_000,
  },
  statusServices: {
    env: "STATUS_SERVICES",
    kind: list(watchedService),
    description:
      "Services that the status shows besides the identity servers, as name=URL; their /readyz is asked",
    optional: true,
  },
  statusIntervalMs: {
    env: "STATUS_INTERVAL",
    kind: duration({ min: 100, max: 300_000 }),
    description: "How often every service is asked whether it is ready",
    default: 5_000,
  },
  spaClientId: {
    env: "SPA_CLIENT_ID",
    kind: text({ min: 1, max: 255 }),
    description: "The console's client id",
    default: "console",
  },
  consoleFolder: {
    env: "CONSOLE_FOLDER",
    kind: path(),
    description:
      "Folder of the built console; `deno task build:console` fills the default",
    default: ".mainstay/console/dist",
  },
});
