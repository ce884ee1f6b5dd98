import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { readTestReport } from "./test_report.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="1" time="1.0">
  <testsuite name="./a_test.ts" tests="4" disabled="1" errors="1" failures="1">
    <testcase name="a() works" classname="./a_test.ts" time="0.1" line="4" col="6">
    </testcase>
    <testcase name="a() &lt;fails&gt;" classname="./a_test.ts" time="0.1">
      <failure message="Uncaught Error">text</failure>
    </testcase>
    <testcase name="a() is cut off" classname="./a_test.ts" time="0.1">
      <error message="Cancelled"/>
    </testcase>
    <testcase name="a() &amp; b" classname="./a_test.ts" time="0.0">
      <skipped/>
    </testcase>
  </testsuite>
</testsuites>`;

Deno.test("readTestReport() counts, and names what was skipped", () => {
  assertEquals(readTestReport(REPORT), {
    passed: 1,
    failed: 2,
    skipped: ["./a_test.ts: a() & b"],
  });
});

Deno.test("readTestReport() takes a missing report for a failure", () => {
  assertEquals(readTestReport(undefined).failed, 1);
});
