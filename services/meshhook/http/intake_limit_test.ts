import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { TooManyRequests } from "@mainstay/adapters/http";
import { createIntakeLimit } from "./intake_limit.ts";

Deno.test("createIntakeLimit() counts each project by its own allowance, and says when there is more", () => {
  let now = 0;
  const limit = createIntakeLimit(2, () => now);
  const taken = (projectId: string, webhooksPerMinute?: number) => {
    try {
      limit({
        projectId,
        ...(webhooksPerMinute === undefined ? {} : { webhooksPerMinute }),
      });
      return "taken";
    } catch (failure) {
      if (failure instanceof TooManyRequests) return failure.retryAfterMs;
      throw failure;
    }
  };
  const refused = 30_000;
  assertEquals([1, 2, 3].map(() => taken("alpha")), [
    "taken",
    "taken",
    refused,
  ]);
  assertEquals([1, 2].map(() => taken("beta", 1)), ["taken", 60_000]);
  assertEquals(
    [1, 2, 3, 4].map(() => taken("gamma", 0)),
    Array(4).fill("taken"),
  );
  now = 30_000;
  assertEquals([1, 2].map(() => taken("alpha")), ["taken", refused]);
});
