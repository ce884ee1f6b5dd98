import { runtimeTelemetry } from "./runtime_telemetry.ts";

/** Where a caller stands in its trace. */
export interface RemoteParent {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The part of a trace that one request is. */
export interface RequestSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Runs `fn`, and all that it begins, as part of this span. */
  run<T>(fn: () => T): T;
  /** Once, with the answer's status: from 500 on the span is an error. */
  end(status: number): void;
}

/** Begins the span of one request. Without a parent, a new trace begins. */
export type StartSpan = (
  correlationId: string,
  parent: RemoteParent | undefined,
) => RequestSpan;

/** Makes spans of requests. */
export interface Tracer {
  /**
   * @param pattern The route's, never the raw path: that may hold what is
   *   nobody's business.
   */
  route(method: string, pattern: string): StartSpan;
}

/** Of OpenTelemetry's API: the key of a context's span, kinds, status codes, flags. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");
const KIND_SERVER = 1;
const STATUS_ERROR = 2;
const FLAG_SAMPLED = 1;

/**
 * A tracer for the requests of a service; undefined where telemetry is off, so
 * that it then costs a comparison.
 *
 * The runtime could trace requests by itself, but sends whole URLs along, and
 * with them authorization codes and other secrets. Here a span has the route's
 * pattern, the method, the status and the correlation ID.
 */
export function openTracer(): Tracer | undefined {
  const telemetry = runtimeTelemetry();
  if (telemetry === undefined) return undefined;
  const { tracer, contexts } = telemetry;
  const root = contexts.active();

  return {
    route(method, pattern): StartSpan {
      const name = `${method} ${pattern}`;
      return (correlationId, parent) => {
        const attributes = {
          "http.request.method": method,
          "http.route": pattern,
          "mainstay.correlation_id": correlationId,
        };
        const span = tracer.startSpan(
          name,
          { kind: KIND_SERVER, attributes },
          parent === undefined ? root : root.setValue(SPAN_KEY, remote(parent)),
        );
        const own = root.setValue(SPAN_KEY, span);
        const { traceId, spanId } = span.spanContext();
        return {
          traceId,
          spanId,
          run: (fn) => contexts.with(own, fn),
          end(status) {
            span.setAttribute("http.response.status_code", status);
            if (status >= 500) span.setStatus({ code: STATUS_ERROR });
            span.end();
          },
        };
      };
    },
  };
}

/** A span of which only its place is known. */
function remote({ traceId, spanId, sampled }: RemoteParent) {
  const context = {
    traceId,
    spanId,
    traceFlags: sampled ? FLAG_SAMPLED : 0,
    isRemote: true,
  };
  return { spanContext: () => context };
}
