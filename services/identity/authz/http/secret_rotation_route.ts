import { type Form, jsonResponse, readForm } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { ClientAdministration } from "../../domain/client_administration.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthorizeAdmin } from "./admin_access.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface SecretRotationRouteOptions {
  readonly administration: Pick<ClientAdministration, "rotateSecret">;
  readonly authenticate: AuthenticateClient;
  readonly authorizeAdmin: AuthorizeAdmin;
}

/** How long the secret before is good yet, unless told otherwise. */
const OVERLAP_S = 86_400;
const MAX_OVERLAP_S = 7 * 86_400;

/**
 * Gives a client a new secret, once. The one before is good for
 * `overlap_seconds` more (a day, if nothing is said; 0 for one that has leaked),
 * so that every instance of the client can be told in turn.
 *
 * The client asks for itself with its present credentials, or an administrator
 * with an access token.
 */
export function secretRotationRoute(
  options: SecretRotationRouteOptions,
): Route {
  const { administration } = options;
  return {
    method: "POST",
    path: "/oauth2/v1/clients/:id/rotate-secret",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      const { id, actor } = await askerOf(request, form, context, options);
      const rotated = await administration.rotateSecret(
        id,
        overlapOf(form) * 1_000,
        actor,
      );
      if (rotated === undefined) {
        throw new OAuthError(
          "invalid_request",
          "Cannot rotate the secret: there is no client that has one",
        );
      }
      return jsonResponse({
        client_id: id,
        client_secret: rotated.secret,
        client_secret_expires_at: 0,
        previous_secret_expires_at: Math.floor(
          rotated.previousExpireAt.getTime() / 1_000,
        ),
      });
    }),
    doc: {
      summary: "Gives a client a new secret",
      tags: ["clients"],
      responses: { 200: { description: "The secret, shown this once" } },
    },
  };
}

async function askerOf(
  request: Request,
  form: Form,
  context: RequestContext,
  { authenticate, authorizeAdmin }: SecretRotationRouteOptions,
): Promise<{ readonly id: string; readonly actor: string }> {
  const id = context.params.id ?? "";
  const authorization = request.headers.get("authorization") ?? "";
  if (/^(?:Bearer|DPoP) /i.test(authorization)) {
    const { userId, clientId } = await authorizeAdmin(request, context);
    return { id, actor: userId ? `user:${userId}` : `client:${clientId}` };
  }
  const client = await authenticate(request, form, context);
  if (client.id === id && client.authMethod !== "none") {
    return { id, actor: `client:${id}` };
  }
  throw new OAuthError(
    "unauthorized_client",
    "Cannot rotate the secret: it is another client's",
  );
}

function overlapOf(form: Form): number {
  const given = form.get("overlap_seconds");
  if (given === undefined) return OVERLAP_S;
  const seconds = /^[0-9]{1,7}$/.test(given) ? Number(given) : Infinity;
  if (seconds <= MAX_OVERLAP_S) return seconds;
  throw new InvalidInput([{
    pointer: "overlap_seconds",
    detail: `must be at most ${MAX_OVERLAP_S}`,
  }]);
}
