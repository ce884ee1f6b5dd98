/**
 * A service's routes as one `Request → Response` function.
 *
 * @module
 */
import { OperationalError } from "@mainstay/kernel/errors";
import type { Route, ServedService } from "@mainstay/kernel/lifecycle";
import { withLogFields } from "@mainstay/kernel/logging";
import { openTracer, type StartSpan } from "@mainstay/kernel/telemetry";
import { createAccessLine } from "./access_log.ts";
import type { Networks } from "./cidr.ts";
import { correlationIdOf } from "./correlation_id.ts";
import { type Cors, corsByPath } from "./cors.ts";
import { Exchange, type ExchangeSettings, type PeerInfo } from "./exchange.ts";
import {
  MethodNotAllowed,
  NotFound,
  ServiceStopping,
  TooManyRequests,
} from "./http_errors.ts";
import { InFlight } from "./in_flight.ts";
import {
  type Problem,
  problemOf,
  type ProblemPage,
  type ProblemTable,
} from "./problem.ts";
import {
  addRateHeaders,
  createRateLimit,
  rateLimitKey,
  type RateLimitOptions,
} from "./rate_limit.ts";
import { refuseLongBody } from "./request_body.ts";
import { decodeParams, pathOf } from "./request_path.ts";
import { createRequestMetrics } from "./request_metrics.ts";
import { createRouteTable, type RouteMatch } from "./route_table.ts";
import { tryParseTraceParent } from "./trace_parent.ts";

/** How a handler treats requests, whatever its routes do. */
export interface HandlerOptions {
  /** `public`, `admin`, `probe`: in logs and metrics. */
  readonly listener: string;
  readonly routes: readonly Route[];
  readonly problems: ProblemTable;
  /** Shows failures to those who ask for pages (`Accept: text/html`). */
  readonly problemPage?: ProblemPage | undefined;
  readonly trustedProxies: Networks;
  /** See {@link ExchangeSettings}. Default false. */
  readonly certificateHeader?: boolean | undefined;
  readonly requestTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly cors?: Cors | undefined;
  readonly rateLimit?: RateLimitOptions | undefined;
  /** Who asks, where the request proves it: counted instead of the address. */
  readonly identify?: ((request: Request) => string | undefined) | undefined;
  /** On every answer; one with a content security policy of its own keeps its own. */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
}

/** Answers requests; never throws and never rejects. */
export interface HttpHandler {
  (request: Request, info: PeerInfo): Response | Promise<Response>;
  /** Requests whose answer has not begun. */
  readonly inFlight: number;
  /** Whether the body of one of them is still on its way. */
  readonly receiving: boolean;
  /** Answers every request under way with 503 and aborts its signal. */
  cut(): void;
  /** Stops what runs in the background. */
  close(): void;
}

/** One method on one pattern, with all that depends on it alone. */
interface Entry extends ExchangeSettings {
  readonly route: Pick<Route, "handle" | "timeoutMs">;
  readonly method: string;
  /** Undefined without telemetry, and for probes. */
  readonly startSpan: StartSpan | undefined;
  readonly meter: { record(status: number, seconds: number): void };
  readonly access: ReturnType<typeof createAccessLine>;
  readonly limited: boolean;
  readonly cors: Cors | undefined;
}

const METHODS = new Set(
  ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
);
/** nginx' status for a client that left: seen in metrics only. */
const CLIENT_LEFT = 499;

/**
 * Builds the handler of one listener. All that depends on a route alone
 * (metrics, limits, times) is bound here, once.
 *
 * @throws {TypeError} If two routes have the same method and pattern.
 */
export function createHandler(
  service: ServedService,
  options: HandlerOptions,
): HttpHandler {
  const { kernel } = service;
  const log = kernel.log.child("http");
  const inFlight = new InFlight<Exchange<Entry>>(cut);
  const metrics = createRequestMetrics(
    kernel.metrics,
    options.listener,
    () => inFlight.size,
  );
  const limit = options.rateLimit && createRateLimit(options.rateLimit);
  const extraHeaders = options.headers ?? [];
  const corsOf = corsByPath(options.cors, options.routes);
  const tracer = openTracer();
  let leaving = service.stopping.aborted;
  service.stopping.addEventListener("abort", () => leaving = true);
  const table = createRouteTable<Entry>(options.routes, entryOf);
  const refusals = new Map<string, Entry>();

  function entryOf(
    method: string,
    route: Omit<Route, "method">,
  ): Entry {
    const probe = route.probe === true;
    const timeoutMs = route.timeoutMs ?? options.requestTimeoutMs;
    return {
      route,
      method,
      startSpan: probe ? undefined : tracer?.route(method, route.path),
      log,
      draining: service.draining,
      trustedProxies: options.trustedProxies,
      certificateHeader: options.certificateHeader ?? false,
      maxBodyBytes: route.maxBodyBytes ?? options.maxBodyBytes,
      bodyTimeoutMs: options.bodyTimeoutMs,
      timeoutMs: timeoutMs === "none" ? Infinity : timeoutMs,
      meter: metrics.meter(method, route.path),
      access: createAccessLine(log, method, route.path, probe),
      limited: limit !== undefined && !probe,
      cors: corsOf(route.path),
    };
  }

  /** What answers a method and a path that no route has: 404, 405 or OPTIONS. */
  function refusalOf(method: string, path: string): Entry {
    const pattern = table.patternOf(path);
    const label = METHODS.has(method) ? method : "OTHER";
    const key = `${label} ${pattern ?? ""}`;
    let entry = refusals.get(key);
    if (entry === undefined) {
      const allowed = pattern === undefined ? [] : table.allowed(path);
      const handle = pattern === undefined
        ? refuse(() => new NotFound())
        : label === "OPTIONS"
        ? answerOptions(allowed, corsOf(pattern))
        : refuse(() => new MethodNotAllowed(allowed));
      entry = entryOf(label, { path: pattern ?? "unmatched", handle });
      refusals.set(key, entry);
    }
    return entry;
  }

  function answerOptions(allowed: readonly string[], cors?: Cors) {
    const allow = allowed.join(", ");
    return (request: Request) => {
      const headers = new Headers({ allow });
      cors?.preflight(request, headers, allow);
      return new Response(null, { status: 204, headers });
    };
  }

  function admit(exchange: Exchange): void {
    const identity = options.identify?.(exchange.request);
    const decision = limit!.take(
      identity === undefined
        ? rateLimitKey(exchange.clientAddress)
        : `identity ${identity}`,
    );
    exchange.rate = decision;
    if (!decision.allowed) throw new TooManyRequests(decision.retryAfterMs);
  }

  function answer(
    exchange: Exchange<Entry>,
    params: RouteMatch<Entry>["params"] | undefined,
  ): Response | Promise<Response> {
    const entry = exchange.settings;
    try {
      if (entry.limited) admit(exchange);
      if (entry.method !== "GET") {
        refuseLongBody(exchange.request, entry.maxBodyBytes);
      }
      if (params?.length) exchange.params = decodeParams(params);
      const result = entry.route.handle(exchange.request, exchange);
      return result instanceof Response
        ? finish(exchange, result)
        : settle(exchange, result);
    } catch (failure) {
      return fail(exchange, failure);
    }
  }

  /** The handler's answer, or its cut, whichever comes first. */
  function settle(
    exchange: Exchange<Entry>,
    result: Promise<Response>,
  ): Promise<Response> {
    return new Promise((resolve) => {
      exchange.resolve = resolve;
      inFlight.add(exchange);
      result.then(
        (response) => {
          if (exchange.resolve) end(exchange, finish(exchange, response));
          else discard(response);
        },
        (failure) => {
          if (exchange.resolve) end(exchange, fail(exchange, failure));
        },
      );
    });
  }

  function cut(exchange: Exchange<Entry>, reason: Error): void {
    end(exchange, fail(exchange, reason));
    exchange.abort(reason);
  }

  function end(exchange: Exchange<Entry>, response: Response): void {
    inFlight.delete(exchange);
    exchange.resolve?.(response);
    exchange.resolve = undefined;
  }

  function fail(exchange: Exchange<Entry>, failure: unknown): Response {
    if (exchange.abandoned) {
      return finish(exchange, new Response(null, { status: CLIENT_LEFT }));
    }
    const { correlationId, request } = exchange;
    const { problemPage } = options;
    const problem = problemOf(
      failure,
      options.problems,
      correlationId,
      problemPage && request.headers.get("accept")?.includes("text/html")
        ? (text) => problemPage(text, request)
        : undefined,
    );
    report(problem, failure, correlationId);
    return finish(exchange, problem.response);
  }

  /** The one place where a failure of a request is logged. */
  function report(
    { code, status, unexpected }: Problem,
    failure: unknown,
    correlationId: string,
  ): void {
    if (status >= 500) metrics.countError(unexpected ? typeOf(failure) : code);
    const level = unexpected ? "error" : status >= 500 ? "warn" : "debug";
    if (!log.enabled(level.toUpperCase() as Uppercase<typeof level>)) return;
    const message = failure instanceof Error ? failure.message : "Not an Error";
    const stack = unexpected && failure instanceof Error
      ? { stack: failure.stack }
      : {};
    const facts = failure instanceof OperationalError
      ? { facts: failure.facts, cause: failure.cause }
      : {};
    log[level](message, {
      code,
      status,
      ...facts,
      error: failure,
      ...stack,
      correlationId,
    });
  }

  function finish(exchange: Exchange<Entry>, given: Response): Response {
    const entry = exchange.settings;
    const response = mutable(given, exchange.correlationId);
    const { headers, status } = response;
    if (extraHeaders.length > 0) addDefaults(headers, extraHeaders);
    entry.cors?.apply(exchange.request, headers);
    if (entry.limited) {
      addRateHeaders(
        headers,
        options.rateLimit!.limit,
        exchange.rate,
      );
    }
    // The client then opens its next connection to someone else.
    if (leaving) headers.set("connection", "close");
    const durationMs = performance.now() - exchange.startedMs;
    entry.meter.record(status, durationMs / 1000);
    exchange.span?.end(status);
    entry.access.write(exchange, status, durationMs);
    if (entry.method === "HEAD" && entry.route.timeoutMs === "none") {
      discard(response);
      return new Response(null, response);
    }
    return response;
  }

  function handle(request: Request, info: PeerInfo) {
    const startedMs = performance.now();
    const correlationId = correlationIdOf(
      request.headers.get("x-correlation-id"),
    );
    const trace = tryParseTraceParent(request.headers.get("traceparent"));
    const { method } = request;
    const path = pathOf(request.url);
    const match = table.find(method, path);
    const entry = match?.entry ?? refusalOf(method, path);
    const exchange = new Exchange(
      request,
      info,
      correlationId,
      startedMs,
      entry,
    );
    const span = exchange.span = entry.startSpan?.(correlationId, trace);
    const place = span ?? trace;
    const fields = place === undefined
      ? { correlationId }
      : { correlationId, traceId: place.traceId, spanId: place.spanId };
    const work = () =>
      withLogFields(fields, () => answer(exchange, match?.params));
    return span === undefined ? work() : span.run(work);
  }

  return Object.defineProperties(handle, {
    inFlight: { get: () => inFlight.size },
    receiving: { get: () => inFlight.receiving },
    cut: { value: () => inFlight.cut(() => new ServiceStopping()) },
    close: {
      value: () => {
        inFlight.close();
        metrics.close();
      },
    },
  }) as HttpHandler;
}

/** The answer with its correlation ID; a copy where it cannot be changed. */
function mutable(response: Response, correlationId: string): Response {
  try {
    response.headers.set("x-correlation-id", correlationId);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    copy.headers.set("x-correlation-id", correlationId);
    return copy;
  }
}

/** Three look-ups less on all answers but pages. */
function addDefaults(
  headers: Headers,
  defaults: ReadonlyArray<readonly [name: string, value: string]>,
): void {
  const page = headers.has("content-security-policy");
  for (const [name, value] of defaults) {
    if (!page || !headers.has(name)) headers.set(name, value);
  }
}

function refuse(reason: () => Error): Route["handle"] {
  return () => {
    throw reason();
  };
}

/** Lets go of a body that nobody will read. */
function discard(response: Response): void {
  void response.body?.cancel().catch(() => {});
}

function typeOf(failure: unknown): string {
  return failure instanceof Error ? failure.name : typeof failure;
}
