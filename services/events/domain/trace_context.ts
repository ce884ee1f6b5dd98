const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}/;

/** The trace that a W3C `traceparent` names; nothing for a missing or malformed one. */
export function traceOf(
  traceparent: string | undefined,
): { readonly traceId?: string; readonly spanId?: string } {
  const [, traceId, spanId] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (!traceId || !spanId || /^0+$/.test(traceId) || /^0+$/.test(spanId)) {
    return {};
  }
  return { traceId, spanId };
}
