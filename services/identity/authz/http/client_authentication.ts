import { Buffer } from "node:buffer";
import type { Form } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { equalHashes, hashSecret } from "../../domain/bearer_secret.ts";
import type { AuthMethod, RegisteredClient } from "../../domain/client.ts";
import type { ClientStore } from "../../domain/client_store.ts";
import { OAuthError } from "../../domain/oauth_error.ts";

/** Finds out which client a request is from. */
export type AuthenticateClient = (
  request: { readonly headers: Headers },
  form: Form,
  /** Holds the certificate of a client that shows one. */
  context: RequestContext,
) => Promise<RegisteredClient>;

interface Credentials {
  readonly method: AuthMethod;
  readonly clientId: string;
  readonly secret?: string;
}

/** Compared with where there is no client, so that both take the same time. */
const NOBODYS_HASH = hashSecret("");

/**
 * Creates the check of who a client is (RFC 6749, 2.3), by the one method that
 * the client is registered with.
 */
export function createClientAuthentication(
  { clients }: { readonly clients: ClientStore },
): AuthenticateClient {
  return async (request, form) => {
    const given = credentialsOf(request.headers.get("authorization"), form);
    const client = await clients.find(given.clientId);
    const reason = refusalOf(given, client);
    if (reason === undefined && client !== undefined) return client;
    throw new OAuthError(
      "invalid_client",
      "Cannot authenticate the client: its credentials are wrong",
      { facts: { reason, clientId: given.clientId } },
    );
  };
}

function refusalOf(
  given: Credentials,
  client: RegisteredClient | undefined,
): string | undefined {
  const hash = hashSecret(given.secret ?? "");
  const known = client?.secrets.map((secret) => secret.hash) ?? [NOBODYS_HASH];
  // Every one of them, so that the time does not tell which one it is.
  const matches = known.filter((secret) => equalHashes(secret, hash));
  if (client === undefined) return "unknown client";
  if (client.disabledAt !== undefined) return "disabled client";
  if (client.authMethod !== given.method) return "other method";
  if (client.authMethod !== "none" && matches.length === 0) {
    return "wrong secret";
  }
  return undefined;
}

function credentialsOf(authorization: string | null, form: Form): Credentials {
  const clientId = form.get("client_id");
  const secret = form.get("client_secret");
  if (authorization === null) {
    if (clientId === undefined) {
      throw new OAuthError(
        "invalid_client",
        "Cannot authenticate the client: client_id is missing",
      );
    }
    return secret === undefined
      ? { method: "none", clientId }
      : { method: "client_secret_post", clientId, secret };
  }
  if (secret !== undefined) {
    throw new OAuthError(
      "invalid_request",
      "Cannot authenticate the client: it uses two methods at once",
    );
  }
  const basic = basicCredentials(authorization);
  if (clientId !== undefined && clientId !== basic.clientId) {
    throw new OAuthError(
      "invalid_request",
      "Cannot authenticate the client: client_id is not the one in Authorization",
    );
  }
  return basic;
}

/** Both halves are form-encoded before they are joined (RFC 6749, 2.3.1). */
function basicCredentials(authorization: string): Credentials {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  const text = encoded && Buffer.from(encoded, "base64").toString("utf8");
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(text ?? "") ?? [];
  try {
    if (!id || secret === undefined) throw new URIError();
    return {
      method: "client_secret_basic",
      clientId: decodeURIComponent(id.replaceAll("+", " ")),
      secret: decodeURIComponent(secret.replaceAll("+", " ")),
    };
  } catch {
    throw new OAuthError(
      "invalid_client",
      "Cannot authenticate the client: Authorization holds no Basic credentials",
    );
  }
}
