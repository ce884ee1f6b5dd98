/** Where a request stands in its trace (W3C Trace Context, level 1). */
export interface TraceParent {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** The caller's span: 16 lower-case hex digits, not all zero. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const FORMAT =
  /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent` header; undefined where it breaks the format, which
 * then means "no trace", as the recommendation asks (section 3.2.2).
 */
export function tryParseTraceParent(
  header: string | null,
): TraceParent | undefined {
  if (header === null) return undefined;
  const [, version, traceId, spanId, flags, more] = FORMAT.exec(header) ?? [];
  if (
    version === undefined || traceId === undefined || spanId === undefined ||
    flags === undefined || version === "ff" ||
    (version === "00" && more !== undefined) ||
    /^0+$/.test(traceId) || /^0+$/.test(spanId)
  ) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
}
