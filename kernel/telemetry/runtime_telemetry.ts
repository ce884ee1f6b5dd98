/** The part of OpenTelemetry's API (`@opentelemetry/api` 1.x) that is used here. */
export interface RuntimeTracer {
  startSpan(
    name: string,
    options: {
      readonly kind: number;
      readonly attributes: Readonly<Record<string, string | number>>;
    },
    context: RuntimeContext,
  ): RuntimeSpan;
}

/** One step of a trace, as the runtime keeps it. */
export interface RuntimeSpan {
  spanContext(): { readonly traceId: string; readonly spanId: string };
  setAttribute(name: string, value: string | number): void;
  setStatus(status: { readonly code: number }): void;
  end(): void;
}

/** What runs is part of, by key. */
export interface RuntimeContext {
  setValue(key: symbol, value: unknown): RuntimeContext;
}

/** Where the runtime keeps what runs. */
export interface RuntimeContextManager {
  active(): RuntimeContext;
  with<T>(context: RuntimeContext, fn: () => T): T;
}

/** The runtime's own OpenTelemetry. */
export interface RuntimeTelemetry {
  readonly tracer: RuntimeTracer;
  readonly contexts: RuntimeContextManager;
}

let found: RuntimeTelemetry | "off" | undefined;

/**
 * The runtime's OpenTelemetry; undefined where it is off.
 *
 * It reads its variables when the process starts and never again: what turns it
 * on is whoever starts the process (`bin/otel_environment`).
 */
export function runtimeTelemetry(): RuntimeTelemetry | undefined {
  found ??= look() ?? "off";
  return found === "off" ? undefined : found;
}

function look(): RuntimeTelemetry | undefined {
  const { tracerProvider, contextManager } = Deno.telemetry;
  try {
    const tracer: RuntimeTracer = tracerProvider.getTracer("mainstay");
    // Throws where telemetry is off. A span that never ends is never sent.
    tracer.startSpan(
      "look",
      { kind: 0, attributes: {} },
      contextManager.active(),
    );
    return { tracer, contexts: contextManager };
  } catch {
    return undefined;
  }
}
