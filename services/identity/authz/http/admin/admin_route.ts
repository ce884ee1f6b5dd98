import {
  jsonResponse,
  NotFound,
  type Parameter,
  readJson,
  readQuery,
  schemaJson,
  Unauthorized,
  wholeNumber,
} from "@mainstay/adapters/http";
import { ADMIN_LIMITS } from "@mainstay/contracts/identity_admin";
import { InvalidInput, schemaMistakes } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { z } from "zod";
import { OAuthError } from "../../../domain/oauth_error.ts";
import type { AuthorizeAdmin } from "../admin_access.ts";

type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** What an administrator asks for. */
export interface AdminRequest<Body, Query extends Parameters> {
  readonly body: Body;
  readonly query: ReturnType<typeof readQuery<Query>>;
  /** Of the path: `id`. */
  readonly id: string;
  /** Who is written down as having done it. */
  readonly actor: string;
  readonly now: () => number;
}

/** One operation on what is administered. */
export interface AdminOperation<Body, Query extends Parameters> {
  readonly method: Route["method"];
  /** Below `/admin/v1/`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly body?: z.ZodType<Body>;
  readonly query?: Query;
  /** Of the answer. */
  readonly answer: z.ZodType;
  /** Default 200. */
  readonly status?: 201;
  /** @returns The answer; undefined: what the path names is not there. */
  handle(request: AdminRequest<Body, Query>): Promise<unknown>;
}

/** Which part of a list. */
export const pageParameters = {
  limit: wholeNumber(1, ADMIN_LIMITS.page),
  after: {
    expects: "the `next` of an earlier page",
    parse: (text: string) => text.length <= 255 ? text : undefined,
  },
} as const;

/** How much of a list, unless it is said. */
export const PAGE = 100;

/**
 * Makes routes of operations: each asks for the scope `admin`, checks what it is
 * sent, and describes itself.
 */
export function adminRoutesOf(
  { authorizeAdmin, now }: {
    readonly authorizeAdmin: AuthorizeAdmin;
    readonly now: () => number;
  },
) {
  return <
    Body = undefined,
    const Query extends Parameters = Record<never, never>,
  >(
    operation: AdminOperation<Body, Query>,
  ): Route => ({
    method: operation.method,
    path: `/admin/v1/${operation.path}`,
    crossOrigin: false,
    async handle(request, context) {
      const actor = await actorOf(authorizeAdmin, request, context);
      const answer = await operation.handle({
        body: await bodyOf(operation.body, request, context),
        query: readQuery(context.url, operation.query ?? ({} as Query)),
        id: context.params["id"] ?? "",
        actor,
        now,
      });
      if (answer === undefined) {
        throw new NotFound("Cannot find it: there is none of this id");
      }
      return jsonResponse(answer, {
        status: operation.status ?? 200,
        headers: { "cache-control": "no-store" },
      });
    },
    doc: docOf(operation),
  });
}

function docOf<Body, Query extends Parameters>(
  operation: AdminOperation<Body, Query>,
): NonNullable<Route["doc"]> {
  const { summary, description, body, answer } = operation;
  const query: Parameters = operation.query ?? {};
  return {
    summary,
    ...(description === undefined ? {} : { description }),
    tags: ["admin"],
    security: ["bearer"],
    parameters: Object.entries(query).map(([name, { expects }]) => ({
      name,
      in: "query" as const,
      description: expects,
    })),
    ...(body === undefined ? {} : {
      request: { "application/json": schemaJson(body, "input") },
    }),
    responses: {
      [operation.status ?? 200]: {
        description: summary,
        content: { "application/json": schemaJson(answer) },
      },
    },
  };
}

async function actorOf(
  authorizeAdmin: AuthorizeAdmin,
  request: Request,
  context: RequestContext,
): Promise<string> {
  try {
    const { userId, clientId } = await authorizeAdmin(request, context);
    return userId === undefined ? `client:${clientId}` : `user:${userId}`;
  } catch (failure) {
    if (!(failure instanceof OAuthError)) throw failure;
    // The proof of possession does not hold (RFC 9449, 7.1).
    throw new Unauthorized(failure.message, `DPoP error="${failure.error}"`);
  }
}

async function bodyOf<Body>(
  schema: z.ZodType<Body> | undefined,
  request: Request,
  context: RequestContext,
): Promise<Body> {
  if (schema === undefined) return undefined as Body;
  const result = schema.safeParse(await readJson(request, context));
  if (result.success) return result.data;
  const known = "shape" in schema ? Object.keys(schema.shape as object) : [];
  throw new InvalidInput(schemaMistakes(result.error.issues, "", known));
}

/** A page and where the next begins, of one item more than it holds. */
export function pageOf<Item>(
  found: readonly Item[],
  limit: number,
  cursor: (item: Item) => string,
): { readonly items: readonly Item[]; readonly next: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const more = found.length > limit && last !== undefined;
  return { items, next: more ? cursor(last) : null };
}
