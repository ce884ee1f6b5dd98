import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { formatApiKey, parseApiKey } from "./api_key.ts";

const HEX = "a".repeat(64);

Deno.test("parseApiKey() gives publish and read unless told otherwise", () => {
  deepStrictEqual(parseApiKey(`billing=${HEX.toUpperCase()}`), {
    name: "billing",
    sha256: HEX,
    scopes: ["events:publish", "events:read"],
  });
  deepStrictEqual(parseApiKey(`ops=${HEX}:admin+read`).scopes, [
    "events:read",
    "events:admin",
  ]);
});

Deno.test("parseApiKey() reads what formatApiKey() writes", () => {
  const entry = `ops=${HEX}:publish+read+admin`;
  strictEqual(formatApiKey(parseApiKey(entry)), entry);
});

Deno.test("parseApiKey() refuses what is no entry without quoting it", () => {
  for (
    const entry of [
      "",
      HEX,
      `=${HEX}`,
      `a=${HEX}0`,
      `a=secret`,
      `a b=${HEX}`,
      `a=${HEX}:`,
      `a=${HEX}:root`,
      `a=${HEX}:read+`,
    ]
  ) {
    throws(
      () => parseApiKey(entry),
      (error) =>
        error instanceof RangeError && !/secret|root/.test(error.message),
    );
  }
});
