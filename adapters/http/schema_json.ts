import type { JsonSchema } from "@mainstay/kernel/lifecycle";
import { z } from "zod";

/** A contract as OpenAPI shows it: what is sent, or what is answered. */
export function schemaJson(
  schema: z.ZodType,
  io: "input" | "output" = "output",
): JsonSchema {
  // What only a test in code can tell is left open, as "any".
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
  });
  return json;
}
