/**
 * A service's routes as an OpenAPI 3.1 document.
 *
 * @module
 */
import type {
  JsonSchema,
  Route,
  ServiceIdentity,
} from "@mainstay/kernel/lifecycle";
import { jsonResponse } from "./json_response.ts";

/** What routes do not say themselves. */
export interface OpenApiOptions {
  /** Default: the service's name. */
  readonly title?: string;
  readonly description?: string;
  /** OpenAPI security scheme objects by the names that routes use. */
  readonly securitySchemes?: Readonly<Record<string, JsonSchema>>;
}

/** RFC 9457, as every error is answered. */
const PROBLEM: JsonSchema = {
  type: "object",
  required: ["type", "title", "status", "detail", "instance"],
  properties: {
    type: { type: "string", description: "urn:mainstay:problem:<code>" },
    title: { type: "string" },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: { type: "string" },
    instance: { type: "string", description: "The correlation ID" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "detail"],
        properties: {
          pointer: { type: "string" },
          detail: { type: "string" },
        },
      },
    },
  },
};

/**
 * Describes the routes that have a `doc`, from the schemas that validate them.
 *
 * Every operation has the problem response as its default, and the path
 * parameters of its pattern. The result is plain JSON, in the routes' order, so
 * that a golden file of it changes only when they do.
 *
 * @throws {TypeError} If a route asks for a security scheme that is not given.
 *
 * @example
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { openApiDocument } from "@mainstay/adapters/http";
 *
 * const document = openApiDocument(
 *   { name: "toy", version: "1.0.0", environment: "test" },
 *   [{
 *     method: "GET",
 *     path: "/things/:id",
 *     handle: () => new Response(),
 *     doc: {
 *       summary: "One thing",
 *       responses: { 200: { description: "It" } },
 *     },
 *   }],
 * );
 * const paths = document.paths as Record<string, unknown>;
 * assertEquals(Object.keys(paths), ["/things/{id}"]);
 * ```
 */
export function openApiDocument(
  identity: ServiceIdentity,
  routes: readonly Route[],
  options: OpenApiOptions = {},
): Readonly<Record<string, unknown>> {
  const schemes = options.securitySchemes ?? {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (route.doc === undefined) continue;
    const path = route.path.replace(/:([^/]+)/g, "{$1}");
    const operations = paths[path] ??= {};
    operations[route.method.toLowerCase()] = operationOf(route, schemes);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: options.title ?? identity.name,
      version: identity.version,
      ...optional("description", options.description),
    },
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      responses: {
        Problem: {
          description: "The request was refused or failed",
          content: contentOf({
            "application/problem+json": {
              $ref: "#/components/schemas/Problem",
            },
          }),
        },
      },
      securitySchemes: schemes,
    },
  };
}

/** `GET /openapi.json`. The document is made at the first request. */
export function openApiRoute(
  identity: ServiceIdentity,
  routes: readonly Route[],
  options: OpenApiOptions,
): Route {
  let document: ReturnType<typeof openApiDocument> | undefined;
  return {
    method: "GET",
    path: "/openapi.json",
    handle: () =>
      jsonResponse(document ??= openApiDocument(identity, routes, options)),
  };
}

function operationOf(
  { method, path, doc }: Route,
  schemes: Readonly<Record<string, unknown>>,
) {
  if (doc === undefined) throw new TypeError("Unreachable");
  const security = doc.security?.map((name) => {
    if (Object.hasOwn(schemes, name)) return { [name]: [] };
    throw new TypeError(
      `Cannot describe ${method} ${path}: no security scheme is named ${name}`,
    );
  });
  const responses = Object.entries(doc.responses).map(([status, response]) => [
    status,
    {
      description: response.description,
      ...optional("content", response.content && contentOf(response.content)),
    },
  ]);
  return {
    summary: doc.summary,
    ...optional("description", doc.description),
    ...optional("tags", doc.tags),
    parameters: parametersOf(path, doc.parameters ?? []),
    ...optional(
      "requestBody",
      doc.request && { required: true, content: contentOf(doc.request) },
    ),
    responses: {
      ...Object.fromEntries(responses),
      default: { $ref: "#/components/responses/Problem" },
    },
    ...optional("security", security),
  };
}

type Parameters = NonNullable<NonNullable<Route["doc"]>["parameters"]>;

function parametersOf(path: string, described: Parameters) {
  const names = path.match(/(?<=:)[^/]+/g) ?? [];
  const plain = names
    .filter((name) =>
      !described.some((d) => d.in === "path" && d.name === name)
    )
    .map((name) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    }));
  const own = described.map((parameter) => ({
    name: parameter.name,
    in: parameter.in,
    description: parameter.description,
    required: parameter.in === "path" || parameter.required === true,
    schema: withoutDialect(parameter.schema ?? { type: "string" }),
  }));
  return [...plain, ...own];
}

function contentOf(schemas: Readonly<Record<string, JsonSchema>>) {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [
      type,
      { schema: withoutDialect(schema) },
    ]),
  );
}

/** `z.toJSONSchema` names the dialect that OpenAPI 3.1 has anyway. */
function withoutDialect(schema: JsonSchema): JsonSchema {
  const { $schema: _, ...rest } = schema;
  return rest;
}

function optional<Value>(name: string, value: Value | undefined) {
  return value === undefined ? {} : { [name]: value };
}
