import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Form } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { AuditLog } from "../../domain/audit_log.ts";
import type { Client } from "../../domain/client.ts";
import { newClientSecret } from "../../domain/client_secret.ts";
import type { ClientStore } from "../../domain/client_store.ts";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import { OAuthError } from "../../domain/oauth_error.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthorizeAdmin } from "./admin_access.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface SecretRotationRouteOptions {
  readonly clients: Pick<ClientStore, "find" | "rotateSecret">;
  readonly audit: Pick<AuditLog, "append">;
  readonly encryption: KeyEncryption;
  readonly authenticate: AuthenticateClient;
  readonly authorizeAdmin: AuthorizeAdmin;
  readonly now: () => number;
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
  const { clients, audit, encryption, now } = options;
  return {
    method: "POST",
    path: "/oauth2/v1/clients/:id/rotate-secret",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      const { client, actor } = await askerOf(request, form, context, options);
      if (!client.authMethod.startsWith("client_secret_")) {
        throw refusal("the client is known by something else");
      }
      const overlapS = overlapOf(form);
      const { secret, record } = newClientSecret(client.authMethod, encryption);
      const previousExpireAt = new Date(now() + overlapS * 1_000);
      await clients.rotateSecret(client.id, record, previousExpireAt);
      await audit.append({
        action: "client.secret_rotated",
        actor,
        subject: `client:${client.id}`,
        details: { overlapS },
      });
      return jsonResponse({
        client_id: client.id,
        client_secret: secret,
        client_secret_expires_at: 0,
        previous_secret_expires_at: Math.floor(
          previousExpireAt.getTime() / 1_000,
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
  { clients, authenticate, authorizeAdmin }: SecretRotationRouteOptions,
): Promise<{ readonly client: Client; readonly actor: string }> {
  const id = context.params.id ?? "";
  const authorization = request.headers.get("authorization") ?? "";
  if (!/^(?:Bearer|DPoP) /i.test(authorization)) {
    const client = await authenticate(request, form, context);
    if (client.id === id && client.authMethod !== "none") {
      return { client, actor: `client:${id}` };
    }
    throw new OAuthError(
      "unauthorized_client",
      "Cannot rotate the secret: it is another client's",
    );
  }
  const token = await authorizeAdmin(request, context);
  const client = await clients.find(id);
  if (client === undefined) throw refusal("there is no such client");
  return {
    client,
    actor: token.userId === undefined
      ? `client:${token.clientId}`
      : `user:${token.userId}`,
  };
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

function refusal(state: string): OAuthError {
  return new OAuthError(
    "invalid_request",
    `Cannot rotate the secret: ${state}`,
  );
}
