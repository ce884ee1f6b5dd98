import { Buffer } from "node:buffer";
import type { Form } from "@mainstay/adapters/http";
import {
  ASSERTION_TYPE,
  unverifiedSubject,
} from "../../domain/client_assertion.ts";
import { OAuthError } from "../../domain/oauth_error.ts";

/** What a request brings to show which client it is from; nothing of it is verified. */
export type PresentedCredentials =
  | {
    readonly kind: "client_secret_basic" | "client_secret_post";
    readonly clientId: string;
    readonly secret: string;
  }
  | {
    readonly kind: "assertion";
    readonly clientId: string;
    readonly assertion: string;
  }
  /** No more than its name; a certificate may stand behind it. */
  | { readonly kind: "name"; readonly clientId: string };

/**
 * Reads a client's credentials (RFC 6749, 2.3; RFC 7521, 4.2).
 *
 * @throws {OAuthError} If there are none, two at once, or they contradict each other.
 */
export function presentedCredentials(
  authorization: string | null,
  form: Form,
): PresentedCredentials {
  const clientId = form.get("client_id");
  const secret = form.get("client_secret");
  const assertion = assertionOf(form);
  const shown = [authorization ?? undefined, secret, assertion]
    .filter((one) => one !== undefined);
  if (shown.length > 1) {
    throw new OAuthError(
      "invalid_request",
      "Cannot authenticate the client: it uses two methods at once",
    );
  }
  const own = authorization !== null
    ? basicCredentials(authorization)
    : assertion !== undefined
    ? assertionCredentials(assertion)
    : undefined;
  if (own === undefined) {
    if (clientId === undefined) {
      throw new OAuthError(
        "invalid_client",
        "Cannot authenticate the client: client_id is missing",
      );
    }
    return secret === undefined
      ? { kind: "name", clientId }
      : { kind: "client_secret_post", clientId, secret };
  }
  // PostgreSQL's text holds none, and so no client has this id.
  if (own.clientId.includes("\0")) {
    throw new OAuthError(
      "invalid_client",
      "Cannot authenticate the client: its id holds a NUL",
    );
  }
  if (clientId !== undefined && clientId !== own.clientId) {
    throw new OAuthError(
      "invalid_request",
      "Cannot authenticate the client: client_id is not the one of its credentials",
    );
  }
  return own;
}

function assertionOf(form: Form): string | undefined {
  const type = form.get("client_assertion_type");
  const assertion = form.get("client_assertion");
  if ((type ?? assertion) === undefined) return undefined;
  if (type === ASSERTION_TYPE && assertion !== undefined) return assertion;
  throw new OAuthError(
    "invalid_request",
    `Cannot authenticate the client: client_assertion needs client_assertion_type ${ASSERTION_TYPE}`,
  );
}

function assertionCredentials(assertion: string): PresentedCredentials {
  const clientId = unverifiedSubject(assertion);
  if (clientId !== undefined) return { kind: "assertion", clientId, assertion };
  throw new OAuthError(
    "invalid_client",
    "Cannot authenticate the client: client_assertion is no JWT with a subject",
  );
}

/** Both halves are form-encoded before they are joined (RFC 6749, 2.3.1). */
function basicCredentials(authorization: string): PresentedCredentials {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  const text = encoded && Buffer.from(encoded, "base64").toString("utf8");
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(text ?? "") ?? [];
  try {
    if (!id || !secret) throw new URIError();
    return {
      kind: "client_secret_basic",
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
