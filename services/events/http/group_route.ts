import { jsonResponse, schemaJson } from "@mainstay/adapters/http";
import { type GroupInfoBody, groupList } from "@mainstay/contracts/events";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { Upkeep } from "../domain/consumer_group.ts";
import type { Access } from "./access.ts";

/** `GET /groups`: every consumer group of every shard, as the server tells it now. */
export function groupRoute(
  upkeep: Pick<Upkeep, "groups">,
  access: Access,
): Route {
  return {
    method: "GET",
    path: "/groups",
    async handle(request, context) {
      await access.authorize(request, context, "events:read");
      const groups: readonly GroupInfoBody[] = (await upkeep.groups())
        .map((group) => ({ ...group, consumers: [...group.consumers] }));
      return jsonResponse({ groups });
    },
    doc: {
      summary: "Consumer groups: lag, pending entries, consumers",
      tags: ["operations"],
      responses: {
        200: {
          description: "The groups of every shard",
          content: { "application/json": schemaJson(groupList) },
        },
      },
      security: ["apiKey", "bearer"],
    },
  };
}
