import type { Parameter } from "@mainstay/adapters/http";

/** An event type or a pattern such as `order.*`. */
export const eventPattern = {
  expects: "an event type, or a pattern such as order.*",
  parse: (text) => /^[A-Za-z0-9._:*-]{1,255}$/.test(text) ? text : undefined,
  repeated: true,
} as const satisfies Parameter<string>;

/** An event type or an aggregate id. */
export const identifier: Parameter<string> = {
  expects: "1 to 255 characters of A-Z a-z 0-9 . _ : -",
  parse: (text) => /^[A-Za-z0-9._:-]{1,255}$/.test(text) ? text : undefined,
};
