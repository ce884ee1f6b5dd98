import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { InvalidInput } from "./invalid_input.ts";
import { OperationalError } from "./operational_error.ts";

class StoreUnavailable extends OperationalError<"store-unavailable"> {
  constructor(cause: unknown) {
    super("store-unavailable", "Cannot write: the store is unavailable", {
      cause,
      facts: { host: "10.0.0.7" },
      retryable: true,
      retryAfterMs: 1000,
    });
  }
}

Deno.test("OperationalError keeps facts and cause out of its message", () => {
  const cause = new Error("ECONNREFUSED 10.0.0.7");
  const failure = new StoreUnavailable(cause);
  ok(failure instanceof OperationalError && failure instanceof Error);
  strictEqual(failure.name, "StoreUnavailable");
  strictEqual(failure.code, "store-unavailable");
  strictEqual(failure.cause, cause);
  deepStrictEqual(failure.facts, { host: "10.0.0.7" });
  ok(!`${failure}`.includes("10.0.0.7"));
});

Deno.test("OperationalError is not retryable and has no facts unless it says so", () => {
  const failure = new OperationalError("gone", "Cannot read: it is gone");
  strictEqual(failure.retryable, false);
  strictEqual(failure.retryAfterMs, undefined);
  deepStrictEqual(failure.facts, {});
  strictEqual(failure.cause, undefined);
});

Deno.test("InvalidInput carries every mistake, in order", () => {
  const errors = [
    { pointer: "/event", detail: "must be a string" },
    { pointer: "/data", detail: "must be an object" },
  ];
  const failure = new InvalidInput(errors);
  strictEqual(failure.code, "invalid-input");
  strictEqual(failure.retryable, false);
  deepStrictEqual(failure.errors, errors);
});
