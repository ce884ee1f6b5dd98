import type { Route } from "@mainstay/kernel/lifecycle";
import { z } from "zod";

export const IDENTITY = { name: "toy", version: "1.0.0", environment: "test" };

const thing = z.toJSONSchema(z.object({ name: z.string().min(1) }));
export const ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/things/:id/parts/:part",
    handle: () => new Response(),
    doc: {
      summary: "One part",
      tags: ["things"],
      security: ["apiKey"],
      parameters: [
        { name: "part", in: "path", description: "Its number" },
        {
          name: "limit",
          in: "query",
          description: "At most this many",
          schema: { type: "integer" },
        },
      ],
      responses: {
        200: {
          description: "It",
          content: { "application/json": thing },
        },
      },
    },
  },
  {
    method: "POST",
    path: "/things",
    handle: () => new Response(),
    doc: {
      summary: "Make a thing",
      description: "At length",
      request: { "application/json": thing },
      responses: { 201: { description: "Made" } },
    },
  },
  { method: "GET", path: "/hidden", handle: () => new Response() },
];
export const OPTIONS = {
  securitySchemes: {
    apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  },
};
