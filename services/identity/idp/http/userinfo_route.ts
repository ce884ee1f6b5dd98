import { jsonResponse, Unauthorized } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { User } from "../../domain/user.ts";
import type { AccessTokenGuard } from "../../http/access_token_guard.ts";
import type { Idp } from "./idp.ts";
import { PATHS } from "./paths.ts";

/**
 * What the user has let the client know (OpenID Connect Core, 5.3), for an
 * access token with the scope openid.
 */
export function userinfoRoutes(
  { storage }: Pick<Idp, "storage">,
  guard: AccessTokenGuard,
): readonly Route[] {
  const handle: Route["handle"] = async (request, context) => {
    const caller = await guard.authorize(request, context, "openid");
    const user = caller.userId === undefined
      ? undefined
      : await storage.users.find(caller.userId);
    if (user === undefined || user.disabledAt !== undefined) {
      throw new Unauthorized(
        "Cannot tell of the user: the token is of none",
        'Bearer error="invalid_token"',
      );
    }
    return jsonResponse(claimsOf(user, caller.scopes));
  };
  const doc = {
    summary: "What the user has let the client know",
    tags: ["openid"],
    responses: { 200: { description: "Claims, by the token's scopes" } },
    security: ["bearer"],
  };
  const path = PATHS.userinfo;
  return [
    { method: "GET", path, handle, doc },
    { method: "POST", path, handle, doc },
  ];
}

/** Core, 5.4: which scope stands for which claims. */
function claimsOf(user: User, scopes: readonly string[]) {
  return {
    sub: user.id,
    ...(scopes.includes("profile") && {
      preferred_username: user.username,
      ...(user.name !== undefined && { name: user.name }),
      updated_at: Math.floor(user.updatedAt.getTime() / 1_000),
    }),
    ...(scopes.includes("email") && user.email !== undefined && {
      email: user.email,
      email_verified: user.emailVerifiedAt !== undefined,
    }),
  };
}
