import type { Listeners, ServedService } from "@mainstay/kernel/lifecycle";
import { createCors } from "./cors.ts";
import { parseNetworks } from "./cidr.ts";
import { createHandler, type HandlerOptions } from "./create_handler.ts";
import type { HttpConfig } from "./http_settings.ts";
import { httpProblems, type ProblemTable } from "./problem.ts";
import { publicListener } from "./public_listener.ts";
import { securityHeaders } from "./security_headers.ts";
import { tlsFilesOf } from "./tls_files.ts";

/** What a service tells its listeners. */
export interface HttpListenersOptions<Code extends string = string> {
  /** A row for each code that the service's routes may throw. */
  readonly problems: ProblemTable<Code>;
  /**
   * Who asks, where the request proves it (a checked API key): rate limits then
   * count by it instead of by address.
   */
  readonly identify?: (request: Request) => string | undefined;
}

/**
 * The public listener and the admin server of one service.
 *
 * @throws {RangeError} If settings contradict each other.
 */
export function httpListeners<Code extends string>(
  config: HttpConfig,
  options: HttpListenersOptions<Code>,
): Listeners {
  const tls = tlsFilesOf(config.tlsCertFile, config.tlsKeyFile);
  const cors = config.corsOrigins && createCors({
    origins: config.corsOrigins,
    credentials: config.corsCredentials,
  });
  const basis = {
    problems: { ...httpProblems, ...options.problems },
    trustedProxies: parseNetworks(config.trustedProxies ?? []),
    requestTimeoutMs: config.requestTimeoutMs,
    bodyTimeoutMs: config.bodyTimeoutMs,
    maxBodyBytes: config.maxBodyBytes,
  } satisfies Partial<HandlerOptions>;
  const rateLimit = config.rateLimit === 0
    ? undefined
    : { limit: config.rateLimit, windowMs: config.rateLimitWindowMs };

  return {
    public(service: ServedService) {
      const handler = createHandler(service, {
        ...basis,
        listener: "public",
        routes: service.routes,
        cors,
        rateLimit,
        identify: options.identify,
        headers: securityHeaders({ secure: tls !== undefined }),
      });
      return publicListener(handler, {
        hostname: config.serviceHost,
        port: config.servicePort,
        tls,
        log: service.kernel.log.child("http"),
      });
    },
  };
}
