import type { OpenApiOptions } from "@mainstay/adapters/http";

/** What OpenAPI says of the service beyond its routes. */
export const eventsOpenApi: OpenApiOptions = {
  title: "Mainstay events",
  description:
    "Publish events over HTTP, keep them in a Redis stream, process them in consumer groups.",
  securitySchemes: {
    apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
    bearer: {
      type: "http",
      scheme: "bearer",
      description:
        "An API key, or an access token of the identity service with the scopes events:publish, events:read or events:admin",
    },
  },
};
