import type { JsonSchema } from "@mainstay/kernel/lifecycle";
import { z } from "zod";

/** A contract as OpenAPI shows it: what is sent, or what is answered. */
export function schemaJson(
  schema: z.ZodType,
  io: "input" | "output" = "output",
): JsonSchema {
  // What only a test in code can tell is left open, as "any".
  return z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema;
}
