import {
  type Listeners,
  operationsRoutes,
  type Part,
  type ServedService,
} from "@mainstay/kernel/lifecycle";
import { guardRoutes } from "./admin_guard.ts";
import { adminListener } from "./admin_listener.ts";
import { createCors } from "./cors.ts";
import { isLoopback, parseNetworks } from "./cidr.ts";
import { createHandler, type HandlerOptions } from "./create_handler.ts";
import { debugRoutes } from "./debug_routes.ts";
import type { HttpConfig } from "./http_settings.ts";
import { type OpenApiOptions, openApiRoute } from "./open_api_document.ts";
import {
  httpProblems,
  type ProblemPage,
  type ProblemTable,
} from "./problem.ts";
import { mtlsListener } from "./mtls_listener.ts";
import type { MtlsConfig } from "./mtls_settings.ts";
import { publicListener } from "./public_listener.ts";
import { securityHeaders } from "./security_headers.ts";
import { tlsFilesOf } from "./tls_files.ts";

/** What a service tells its listeners. */
export interface HttpListenersOptions<Code extends string = string> {
  /** A row for each code that the service's routes may throw. */
  readonly problems: ProblemTable<Code>;
  /** Shows failures to those who ask for pages. Default: everyone gets problem details. */
  readonly problemPage?: ProblemPage;
  /**
   * Who asks, where the request proves it (a checked API key): rate limits then
   * count by it instead of by address.
   */
  readonly identify?: (request: Request) => string | undefined;
  /** What `/openapi.json` says besides the routes. */
  readonly openApi?: OpenApiOptions;
  /** How clients show certificates. Default: they do not. */
  readonly mtls?: MtlsConfig;
}

/**
 * The public listener and the admin server of one service.
 *
 * The public one has the service's routes, the probes, `/openapi.json` and,
 * unless told otherwise, `/metrics`; the admin server has all operations routes.
 *
 * @throws {RangeError} If settings contradict each other.
 */
export function httpListeners<Code extends string>(
  config: HttpConfig,
  options: HttpListenersOptions<Code>,
): Listeners {
  const tls = tlsFilesOf(config.tlsCertFile, config.tlsKeyFile);
  const adminTls = tlsFilesOf(
    config.adminTlsCertFile,
    config.adminTlsKeyFile,
    "ADMIN_",
  );
  const { mtlsPort, mtlsCertFile, mtlsKeyFile } = options.mtls ?? {};
  const mtlsTls = tlsFilesOf(mtlsCertFile, mtlsKeyFile, "M");
  if (mtlsPort !== undefined && mtlsTls === undefined) {
    throw new RangeError(
      "Cannot open MTLS_PORT: MTLS_CERT_FILE and MTLS_KEY_FILE are not set",
    );
  }
  const cors = config.corsOrigins && createCors({
    origins: config.corsOrigins,
    credentials: config.corsCredentials,
  });
  const basis = {
    problems: { ...httpProblems, ...options.problems },
    trustedProxies: parseNetworks(config.trustedProxies ?? []),
    certificateHeader: options.mtls?.mtlsProxyHeader ?? false,
    requestTimeoutMs: config.requestTimeoutMs,
    bodyTimeoutMs: config.bodyTimeoutMs,
    maxBodyBytes: config.maxBodyBytes,
  } satisfies Partial<HandlerOptions>;
  const rateLimit = config.rateLimit === 0
    ? undefined
    : { limit: config.rateLimit, windowMs: config.rateLimitWindowMs };

  return {
    admin(service: ServedService) {
      const { kernel } = service;
      const log = kernel.log.child("admin");
      const routes = [
        ...operationsRoutes(service, { audience: "private" }),
        ...(config.debugEndpoints ? debugRoutes() : []),
      ];
      const probes = config.probePort === undefined ? undefined : {
        hostname: config.serviceHost,
        port: config.probePort,
        handler: createHandler(service, {
          ...basis,
          listener: "probe",
          routes: operationsRoutes(service, { audience: "public" }),
        }),
      };
      return adminListener({
        hostname: config.adminHost,
        port: config.adminPort,
        token: config.adminToken,
        tls: adminTls,
        handler: createHandler(service, {
          ...basis,
          listener: "admin",
          routes: guardRoutes(routes, {
            token: config.adminToken,
            loopback: isLoopback(config.adminHost),
          }),
          headers: securityHeaders({ secure: false }),
        }),
        probes,
        stallThresholdMs: config.stallThresholdMs,
        alive: () =>
          kernel.health.snapshot({ group: "live" }).status !== "unhealthy",
        log,
      });
    },
    public(service: ServedService) {
      const { identity, log } = service.kernel;
      const operations = operationsRoutes(service, { audience: "public" })
        .filter(({ path }) => config.publicMetrics || path !== "/metrics");
      const described = [...service.routes, ...operations];
      const handler = createHandler(service, {
        ...basis,
        listener: "public",
        routes: [
          ...described,
          openApiRoute(identity, described, options.openApi ?? {}),
        ],
        problemPage: options.problemPage,
        cors,
        rateLimit,
        identify: options.identify,
        headers: securityHeaders({ secure: tls !== undefined }),
      });
      const listener = publicListener(handler, {
        hostname: config.serviceHost,
        port: config.servicePort,
        tls,
        log: log.child("http"),
      });
      if (options.mtls?.mtlsPort === undefined || mtlsTls === undefined) {
        return listener;
      }
      return besides(
        listener,
        mtlsListener(handler, {
          hostname: config.serviceHost,
          port: options.mtls.mtlsPort,
          tls: mtlsTls,
          caFile: options.mtls.mtlsCaFile,
          log: log.child("http"),
        }),
      );
    },
  };
}

/** Two listeners as one part; the first is closed last, with the handler of both. */
function besides(main: Part, second: Part): Part {
  return {
    name: main.name,
    async start(signal) {
      await main.start?.(signal);
      await second.start?.(signal);
    },
    async drain(signal) {
      await Promise.all([main.drain?.(signal), second.drain?.(signal)]);
    },
    async stop() {
      await second.stop?.();
      await main.stop?.();
    },
  };
}
