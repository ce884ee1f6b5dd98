import { HttpError, Unauthorized } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { administrationOf } from "../../domain/audience.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import { isLive, type TokenRecord } from "../../domain/token.ts";
import type { TokenStore } from "../../domain/token_store.ts";
import type { Dpop, ProvenRequest } from "../../http/dpop.ts";
import { holdsKey } from "../../http/possession.ts";

/**
 * Lets administrators in: whoever brings a good access token for the
 * administration with the scope `admin`.
 *
 * @throws {Unauthorized} 401: there is none.
 * @throws {HttpError} 403 `forbidden`: it lacks the scope.
 */
export type AuthorizeAdmin = (
  request: ProvenRequest,
  context: Pick<RequestContext, "url" | "clientCertificate">,
) => Promise<TokenRecord>;

/** What tokens are judged with. */
export interface AdminAccessOptions {
  readonly config: Pick<IdentityAddresses, "issuer">;
  readonly tokens: Pick<TokenStore, "find">;
  readonly dpop: Dpop;
  readonly now: () => number;
}

const AUTHORIZATION = /^(Bearer|DPoP) +([A-Za-z0-9._~+/=-]{1,8192})$/i;

/**
 * Creates the check. The server asks its own records alone: what they do not
 * know it has not given. A token that another server takes too opens nothing
 * here: whoever it is shown to there could use it. What `openid` adds, the
 * issuer, is ours.
 */
export function createAdminAccess(
  { config, tokens, dpop, now }: AdminAccessOptions,
): AuthorizeAdmin {
  const administration = administrationOf(config.issuer);
  const isForUsAlone = ({ audiences }: TokenRecord) =>
    audiences.includes(administration) &&
    audiences.every((one) => one === administration || one === config.issuer);
  return async (request, context) => {
    const [, scheme, token] =
      AUTHORIZATION.exec(request.headers.get("authorization") ?? "") ?? [];
    const found = token && await tokens.find(hashSecret(token));
    if (
      !found || found.kind !== "access" || !isLive(found, now()) ||
      !isForUsAlone(found) ||
      !await holdsKey(
        {
          token: token!,
          scheme: scheme!.toLowerCase() === "dpop" ? "DPoP" : "Bearer",
          confirmation: found.confirmation,
        },
        request,
        context,
        dpop,
      )
    ) {
      throw new Unauthorized(
        "Cannot authenticate the caller: there is no good access token for the administration alone",
      );
    }
    if (found.scopes.includes("admin")) return found;
    throw new HttpError(
      "forbidden",
      "Cannot allow the request: the token lacks the scope admin",
    );
  };
}
