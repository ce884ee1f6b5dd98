import {
  jsonResponse,
  type Parameter,
  readQuery,
  schemaJson,
  wholeNumber,
} from "@mainstay/adapters/http";
import {
  identityFigures,
  RS_SCOPES,
  userPage,
  type UserSummaryBody,
} from "@mainstay/contracts/identity";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { FigureReader } from "../../domain/identity_figures.ts";
import type { UserSummary } from "../../domain/user.ts";
import type { UserStore } from "../../domain/user_store.ts";
import type { AccessTokenGuard } from "../../http/access_token_guard.ts";

const PAGE = 100;

const after: Parameter<string> = {
  expects: "the `next` of an earlier page",
  parse: (text) => text.length <= 255 ? text : undefined,
};

/** What the routes work with. */
export interface AdminRoutesOptions {
  readonly users: Pick<UserStore, "listSummaries">;
  readonly figures: FigureReader;
  readonly guard: AccessTokenGuard;
}

/** What an administrator looks at; changes are made at the authorization server. */
export function adminRoutes(
  { users, figures, guard }: AdminRoutesOptions,
): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/admin/users",
      async handle(request, context) {
        await guard.authorize(request, context, RS_SCOPES.admin);
        const query = readQuery(context.url, {
          limit: wholeNumber(1, PAGE),
          after,
        });
        const limit = query.limit ?? PAGE;
        const found = await users.listSummaries({
          ...query,
          limit: limit + 1,
        });
        const page = found.slice(0, limit);
        return jsonResponse({
          users: page.map(bodyOf),
          next: found.length > limit ? page.at(-1)!.username : null,
        });
      },
      doc: {
        summary: "Lists users by name",
        tags: ["admin"],
        responses: {
          200: {
            description: "A page of them",
            content: { "application/json": schemaJson(userPage) },
          },
        },
        security: ["bearer"],
      },
    },
    {
      method: "GET",
      path: "/api/v1/admin/metrics",
      async handle(request, context) {
        await guard.authorize(request, context, RS_SCOPES.admin);
        return jsonResponse(await figures.read());
      },
      doc: {
        summary: "Counts what there is",
        description: "For Prometheus, there is `/metrics`.",
        tags: ["admin"],
        responses: {
          200: {
            description: "The counts",
            content: { "application/json": schemaJson(identityFigures) },
          },
        },
        security: ["bearer"],
      },
    },
  ];
}

function bodyOf(user: UserSummary): UserSummaryBody {
  return {
    id: user.id,
    username: user.username,
    email: user.email ?? null,
    createdAt: user.createdAt.toISOString(),
    administrator: user.administrator,
    disabled: user.disabledAt !== undefined,
  };
}
