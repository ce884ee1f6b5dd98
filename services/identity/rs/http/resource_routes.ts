import {
  jsonResponse,
  NotFound,
  type Parameter,
  readJson,
  readQuery,
  schemaJson,
  wholeNumber,
} from "@mainstay/adapters/http";
import {
  newResource,
  resource,
  RESOURCE_LIMITS,
  type ResourceBody,
  resourcePage,
  type ResourcePageBody,
  RS_SCOPES,
} from "@mainstay/contracts/identity";
import { InvalidInput, schemaMistakes } from "@mainstay/kernel/errors";
import type { Route } from "@mainstay/kernel/lifecycle";
import {
  formatPlace,
  type Resource,
  type ResourcePlace,
  tryParsePlace,
} from "../../domain/resource.ts";
import type { ResourceStore } from "../../domain/resource_store.ts";
import type {
  AccessTokenGuard,
  Caller,
} from "../../http/access_token_guard.ts";

const PATH = "/api/v1/protected/resource";
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const after: Parameter<ResourcePlace> = {
  expects: "the `next` of an earlier page",
  parse: tryParsePlace,
};
const parameters = {
  limit: wholeNumber(1, RESOURCE_LIMITS.page),
  after,
} as const;

/** Lists, creates and deletes what callers keep here. Each sees one's own, an administrator all. */
export function resourceRoutes(
  resources: ResourceStore,
  guard: AccessTokenGuard,
): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATH,
      async handle(request, context) {
        const caller = await guard.authorize(request, context, RS_SCOPES.read);
        const query = readQuery(context.url, parameters);
        const limit = query.limit ?? RESOURCE_LIMITS.page;
        const found = await resources.list({
          ...ownedBy(caller),
          ...(query.after === undefined ? {} : { after: query.after }),
          limit: limit + 1,
        });
        return jsonResponse(pageOf(found, limit));
      },
      doc: {
        summary: "Lists resources, newest first",
        tags: ["resources"],
        parameters: [
          {
            name: "limit",
            in: "query",
            description: "Resources at most",
            schema: {
              type: "integer",
              minimum: 1,
              maximum: RESOURCE_LIMITS.page,
            },
          },
          {
            name: "after",
            in: "query",
            description: "The `next` of an earlier page",
            schema: { type: "string" },
          },
        ],
        responses: {
          200: {
            description: "A page of them",
            content: { "application/json": schemaJson(resourcePage) },
          },
        },
        security: ["bearer"],
      },
    },
    {
      method: "POST",
      path: PATH,
      async handle(request, context) {
        const caller = await guard.authorize(request, context, RS_SCOPES.write);
        const given = parseResource(await readJson(request, context));
        const { id, ...fields } = given;
        const stored = await resources.add({
          ...fields,
          owner: caller.subject,
          ...(id === undefined ? {} : { id }),
        });
        if (stored === undefined) {
          throw new InvalidInput([{
            pointer: "/id",
            detail: "Expected an id that is not taken",
          }]);
        }
        return jsonResponse(bodyOf(stored), { status: 201 });
      },
      doc: {
        summary: "Creates a resource",
        description:
          "With an `id` of the caller's own, a repeat gives back what the first one stored.",
        tags: ["resources"],
        request: { "application/json": schemaJson(newResource, "input") },
        responses: {
          201: {
            description: "As it is stored",
            content: { "application/json": schemaJson(resource) },
          },
        },
        security: ["bearer"],
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      async handle(request, context) {
        const caller = await guard.authorize(
          request,
          context,
          RS_SCOPES.delete,
        );
        const id = context.params["id"]?.toLowerCase() ?? "";
        const { owner } = ownedBy(caller);
        if (!UUID.test(id) || !await resources.remove(id, owner)) {
          throw new NotFound(
            "Cannot delete the resource: there is none with this id",
          );
        }
        return new Response(null, { status: 204 });
      },
      doc: {
        summary: "Deletes a resource",
        tags: ["resources"],
        responses: { 204: { description: "It is deleted" } },
        security: ["bearer"],
      },
    },
  ];
}

/** Whose resources a caller may see and delete. */
function ownedBy({ scopes, subject }: Caller): { readonly owner?: string } {
  return scopes.includes(RS_SCOPES.admin) ? {} : { owner: subject };
}

function parseResource(body: unknown) {
  const parsed = newResource.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new InvalidInput(
    schemaMistakes(parsed.error.issues, "", ["id", "name", "content"]),
    "Cannot create the resource: it has mistakes",
  );
}

function pageOf(found: readonly Resource[], limit: number): ResourcePageBody {
  const resources = found.slice(0, limit);
  const last = resources.at(-1);
  return {
    resources: resources.map(bodyOf),
    next: found.length > limit && last !== undefined
      ? formatPlace({ createdAtMs: last.createdAt.getTime(), id: last.id })
      : null,
  };
}

function bodyOf({ createdAt, ...rest }: Resource): ResourceBody {
  const { id, name, content, owner } = rest;
  return { id, name, content, owner, createdAt: createdAt.toISOString() };
}
