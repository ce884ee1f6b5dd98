import {
  Forbidden,
  jsonResponse,
  NotFound,
  schemaJson,
} from "@mainstay/adapters/http";
import {
  RS_SCOPES,
  type SessionBody,
  sessionList,
  sessionsEnded,
} from "@mainstay/contracts/identity";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { IdentityStorage } from "../../domain/identity_storage.ts";
import type { Session } from "../../domain/session.ts";
import type {
  AccessTokenGuard,
  Caller,
} from "../../http/access_token_guard.ts";

const PATH = "/api/v1/account/sessions";

/** What the routes work with. */
export interface AccountRoutesOptions {
  readonly storage: Pick<IdentityStorage, "sessions" | "atomically">;
  readonly guard: AccessTokenGuard;
}

/** Where the caller is signed in, and how one signs out from afar. */
export function accountRoutes(
  { storage, guard }: AccountRoutesOptions,
): readonly Route[] {
  const userOf = async (request: Request, context: RequestContext) => {
    const caller = await guard.authorize(request, context, RS_SCOPES.account);
    if (caller.userId !== undefined) {
      return { ...caller, userId: caller.userId };
    }
    throw new Forbidden(
      "Cannot show an account: the token is a client's own, behind which no user is",
    );
  };
  return [
    {
      method: "GET",
      path: PATH,
      async handle(request, context) {
        const caller = await userOf(request, context);
        const found = await storage.sessions.list(caller.userId);
        return jsonResponse({
          sessions: found.map((session) => bodyOf(session, caller)),
        });
      },
      doc: {
        summary: "Where the caller is signed in",
        tags: ["account"],
        responses: {
          200: {
            description: "Sessions, latest seen first",
            content: { "application/json": schemaJson(sessionList) },
          },
        },
        security: ["bearer"],
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      async handle(request, context) {
        const { userId } = await userOf(request, context);
        const sessionId = context.params["id"] ?? "";
        await storage.atomically(async ({ sessions, audit }) => {
          if (!await sessions.end(userId, sessionId)) {
            throw new NotFound(
              "Cannot end the session: the caller has none with this id",
            );
          }
          await audit.append({
            action: "session.ended",
            actor: `user:${userId}`,
            subject: `user:${userId}`,
            details: { sessionId },
          });
        });
        return new Response(null, { status: 204 });
      },
      doc: {
        summary: "Signs out of one browser",
        tags: ["account"],
        responses: { 204: { description: "Its tokens are revoked" } },
        security: ["bearer"],
      },
    },
    {
      method: "DELETE",
      path: PATH,
      async handle(request, context) {
        const { userId } = await userOf(request, context);
        const ended = await storage.atomically(async ({ sessions, audit }) => {
          const count = await sessions.endAll(userId);
          await audit.append({
            action: "session.ended_all",
            actor: `user:${userId}`,
            subject: `user:${userId}`,
            details: { count },
          });
          return count;
        });
        return jsonResponse({ ended });
      },
      doc: {
        summary: "Signs out everywhere",
        tags: ["account"],
        responses: {
          200: {
            description: "All tokens are revoked, the one asked with included",
            content: { "application/json": schemaJson(sessionsEnded) },
          },
        },
        security: ["bearer"],
      },
    },
  ];
}

function bodyOf(
  session: Session,
  { sessionId }: Pick<Caller, "sessionId">,
): SessionBody {
  return {
    id: session.id,
    current: session.id === sessionId,
    createdAt: session.createdAt.toISOString(),
    lastSeenAt: session.lastSeenAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    userAgent: session.userAgent ?? null,
    address: session.address ?? null,
  };
}
