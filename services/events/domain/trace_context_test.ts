import { deepStrictEqual } from "node:assert/strict";
import { traceOf } from "./trace_context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("traceOf() reads a traceparent", () => {
  deepStrictEqual(traceOf(`00-${TRACE}-${SPAN}-01`), {
    traceId: TRACE,
    spanId: SPAN,
  });
});

Deno.test("traceOf() gives nothing for what is no trace", () => {
  const zeros = `00-${"0".repeat(32)}-${SPAN}-01`;
  for (const text of [undefined, "", "00-x-y-01", zeros]) {
    deepStrictEqual(traceOf(text), {});
  }
});
