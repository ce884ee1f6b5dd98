import {
  boolean,
  bytes,
  type Config,
  defineSettings,
  duration,
  integer,
  type Kind,
  list,
  path,
  port,
  text,
} from "@mainstay/kernel/config";
import { parseNetworks } from "./cidr.ts";

const host = () =>
  text({ pattern: /^[A-Za-z0-9.:_-]+$/, expects: "a host name or address" });

/** `http(s)://host[:port]` without a path, as a browser sends it in `Origin`; or `*`. */
const origin: Kind<string> = {
  ...text({ expects: "an origin such as https://app.example, or *" }),
  parse(input) {
    const given = String(input);
    if (given === "*") return given;
    if (URL.canParse(given) && new URL(given).origin === given) return given;
    throw new RangeError("is no origin such as https://app.example");
  },
};

const network: Kind<string> = {
  ...text({ expects: "an address or a network such as 10.0.0.0/8" }),
  parse(input) {
    const given = String(input);
    parseNetworks([given]);
    return given;
  },
};

/**
 * What a service that listens is configured with.
 *
 * @param defaults A service's own ports.
 */
export function httpSettings(
  defaults: { readonly servicePort?: number; readonly adminPort?: number } = {},
) {
  return defineSettings({
    serviceHost: {
      env: "SERVICE_HOST",
      kind: host(),
      description: "Address of the public listener; images set 0.0.0.0",
      default: "127.0.0.1",
    },
    servicePort: {
      env: "SERVICE_PORT",
      kind: port({ orAny: true }),
      description: "Port of the public listener",
      default: defaults.servicePort ?? 8080,
    },
    adminHost: {
      env: "ADMIN_HOST",
      kind: host(),
      description: "Address of the admin server; off loopback it needs a token",
      default: "127.0.0.1",
    },
    adminPort: {
      env: "ADMIN_PORT",
      kind: port({ orAny: true }),
      description: "Port of the admin server (HTTPS)",
      default: defaults.adminPort ?? 9090,
    },
    adminToken: {
      env: "ADMIN_TOKEN",
      kind: text({ min: 16 }),
      description: "Bearer token that the admin server asks for",
      optional: true,
      secret: true,
    },
    adminTlsCertFile: {
      env: "ADMIN_TLS_CERT_FILE",
      kind: path(),
      description:
        "Certificate of the admin server (PEM); made at start without one",
      optional: true,
    },
    adminTlsKeyFile: {
      env: "ADMIN_TLS_KEY_FILE",
      kind: path(),
      description: "Private key of that certificate (PEM)",
      optional: true,
    },
    probePort: {
      env: "PROBE_PORT",
      kind: port({ orAny: true }),
      description:
        "Port for probes alone over plain HTTP on SERVICE_HOST, for an orchestrator that cannot reach loopback",
      optional: true,
    },
    stallThresholdMs: {
      env: "STALL_THRESHOLD",
      kind: duration({ min: 100 }),
      description:
        "How long the main thread may be blocked until liveness fails",
      default: 10_000,
    },
    tlsCertFile: {
      env: "TLS_CERT_FILE",
      kind: path(),
      description:
        "Certificate chain of the public listener (PEM), read again when it changes",
      optional: true,
    },
    tlsKeyFile: {
      env: "TLS_KEY_FILE",
      kind: path(),
      description: "Private key of that certificate (PEM)",
      optional: true,
    },
    corsOrigins: {
      env: "CORS_ORIGINS",
      kind: list(origin),
      description: "Origins whose scripts may read answers; none without it",
      optional: true,
    },
    corsCredentials: {
      env: "CORS_CREDENTIALS",
      kind: boolean(),
      description: "Whether they may send cookies; not with origin *",
      default: false,
    },
    trustedProxies: {
      env: "TRUSTED_PROXIES",
      kind: list(network),
      description: "Proxies whose X-Forwarded-For is believed",
      optional: true,
    },
    rateLimit: {
      env: "RATE_LIMIT",
      kind: integer({ min: 0, max: 1_000_000_000 }),
      description:
        "Requests of one client per RATE_LIMIT_WINDOW; 0 is no limit",
      default: (environment: string) =>
        environment === "development" ? 0 : 60_000,
    },
    rateLimitWindowMs: {
      env: "RATE_LIMIT_WINDOW",
      kind: duration({ min: 1000, max: 86_400_000 }),
      description: "The time that RATE_LIMIT is counted over",
      default: 60_000,
    },
    requestTimeoutMs: {
      env: "REQUEST_TIMEOUT",
      kind: duration({ min: 1, max: 86_400_000 }),
      description: "Time for a request whose route says nothing else",
      default: 30_000,
    },
    bodyTimeoutMs: {
      env: "BODY_TIMEOUT",
      kind: duration({ min: 1, max: 86_400_000 }),
      description: "Time for a request's body to arrive",
      default: 10_000,
    },
    maxBodyBytes: {
      env: "MAX_BODY",
      kind: bytes({ min: 1 }),
      description: "Longest body of a route that says nothing else",
      default: 1_048_576,
    },
    publicMetrics: {
      env: "PUBLIC_METRICS",
      kind: boolean(),
      description: "Whether /metrics is on the public listener too",
      default: true,
    },
    debugEndpoints: {
      env: "DEBUG_ENDPOINTS",
      kind: boolean(),
      description:
        "Whether the admin server gives CPU profiles and heap snapshots",
      default: false,
    },
  });
}

/** The values of {@link httpSettings}. */
export type HttpConfig = Config<ReturnType<typeof httpSettings>>;
