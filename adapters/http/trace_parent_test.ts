import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tryParseTraceParent } from "./trace_parent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

Deno.test("tryParseTraceParent() reads the format of today and of later versions", () => {
  deepStrictEqual(tryParseTraceParent(`00-${TRACE}-${SPAN}-01`), {
    traceId: TRACE,
    spanId: SPAN,
    sampled: true,
  });
  const later = tryParseTraceParent(`cc-${TRACE}-${SPAN}-00-what-comes`);
  strictEqual(later?.sampled, false);
});

Deno.test("tryParseTraceParent() takes anything else for no trace", () => {
  const wrong = [
    null,
    "",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  ];
  for (const header of wrong) {
    strictEqual(tryParseTraceParent(header), undefined, String(header));
  }
});
