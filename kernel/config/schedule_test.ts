import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { dueAfter, schedule } from "./schedule.ts";

Deno.test("schedule() reads intervals, cron expressions and off, and shows them again", () => {
  const kind = schedule({ min: 1000, max: 86_400_000 });
  strictEqual(
    kind.expects,
    "off, an interval such as 5m (1s–1d), or a cron expression",
  );
  for (
    const [text, value] of [
      ["5m", { everyMs: 300_000 }],
      ["0 3 * * 1-5", { cron: "0 3 * * 1-5" }],
      ["off", "off"],
    ] as const
  ) {
    deepStrictEqual(kind.parse(` ${text} `), value);
    strictEqual(kind.format(value), text);
  }
  for (const wrong of ["", "5", "2d", "never", "* * *", "61 3 * * *"]) {
    throws(() => kind.parse(wrong), RangeError, wrong);
  }
  strictEqual(schedule().expects.includes("5m,"), true);
});

Deno.test("dueAfter() is the next moment of the schedule", () => {
  const last = Date.parse("2026-03-28T02:30:00Z");
  const due = (when: Parameters<typeof dueAfter>[0], timezone = "UTC") => {
    const ms = dueAfter(when, last, timezone);
    return ms === Infinity ? "never" : new Date(ms).toISOString();
  };
  strictEqual(due({ everyMs: 3_600_000 }), "2026-03-28T03:30:00.000Z");
  strictEqual(due({ cron: "0 3 * * *" }), "2026-03-28T03:00:00.000Z");
  // The night in which Berlin's clocks skip the hour.
  strictEqual(
    due({ cron: "0 3 * * *" }, "Europe/Berlin"),
    "2026-03-29T01:00:00.000Z",
  );
  strictEqual(due("off"), "never");
});
