/**
 * Who may publish, read and administer.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto";
import { HttpError, isLoopback, Unauthorized } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { type ApiKey, type Scope, SCOPES } from "../domain/api_key.ts";

/** Someone who has shown who they are. */
export interface Caller {
  /** The key's name, or `token:` and the token's subject: no two callers share one. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Checks a bearer token; see `createTokenVerifier`. */
export type VerifyToken = (token: string) => Promise<Caller>;

/** Lets a request pass or not. */
export interface Access {
  /**
   * @throws {Unauthorized} 401: no credentials, or none that are good.
   * @throws {HttpError} 403 `forbidden`: the caller lacks `scope`, which the
   *   message names; or nothing is configured and the request is not local.
   * @throws {IdentityUnavailable} 503: the token cannot be checked at present.
   */
  authorize(
    request: { readonly headers: Headers },
    context: Pick<RequestContext, "url" | "peerAddress" | "clientAddress">,
    scope: Scope,
  ): Caller | Promise<Caller>;
  /** Whose API key a request carries: what rate limits count by. */
  identify(request: { readonly headers: Headers }): string | undefined;
}

/** What the service knows callers by. */
export interface AccessOptions {
  readonly apiKeys: readonly ApiKey[];
  readonly verifyToken?: VerifyToken | undefined;
  /**
   * Whether this machine's own programs need no credentials. Default: if
   * nobody could have any.
   */
  readonly local?: boolean | undefined;
}

/** Creates the check for a service's API keys and tokens. */
export function createAccess(
  { apiKeys, verifyToken, local }: AccessOptions,
): Access {
  if (apiKeys.length === 0 && verifyToken === undefined) return localAccess;
  const keys = apiKeys.map(({ name, scopes, sha256 }) => ({
    digest: Buffer.from(sha256, "hex"),
    caller: { name, scopes },
  }));
  // Every key is compared, in constant time: how long it takes tells nothing.
  const findCaller = (key: string): Caller | undefined => {
    const digest = Buffer.from(hash("sha256", key, "hex"), "hex");
    let found: Caller | undefined;
    for (const known of keys) {
      if (timingSafeEqual(known.digest, digest)) found = known.caller;
    }
    return found;
  };
  return {
    authorize(request, context, scope) {
      const credentials = credentialsOf(request.headers);
      if (credentials === undefined) {
        if (local && !request.headers.has("authorization")) {
          return localAccess.authorize(request, context, scope);
        }
        throw new Unauthorized();
      }
      if (verifyToken !== undefined && credentials.split(".").length === 3) {
        return verifyToken(credentials).then((it) => requireScope(it, scope));
      }
      const caller = findCaller(credentials);
      if (caller === undefined) {
        throw new Unauthorized(undefined, 'Bearer error="invalid_token"');
      }
      return requireScope(caller, scope);
    },
    identify({ headers }) {
      const credentials = credentialsOf(headers);
      return credentials === undefined
        ? undefined
        : findCaller(credentials)?.name;
    },
  };
}

/** `Authorization: Bearer …`, or `X-API-Key: …`. A repeated header matches nothing. */
function credentialsOf(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization === null) return headers.get("x-api-key") ?? undefined;
  const [, credentials] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  return credentials;
}

function requireScope(caller: Caller, scope: Scope): Caller {
  if (caller.scopes.includes(scope)) return caller;
  throw new HttpError(
    "forbidden",
    `Cannot allow the request: the caller lacks the scope ${scope}`,
    {
      "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"`,
    },
  );
}

/** The one caller that needs no credentials. */
const LOCAL: Caller = { name: "local", scopes: SCOPES };

/** Headers by which a proxy says that it speaks for someone else. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/**
 * Lets only this machine's own programs ask: no one who comes through a proxy,
 * and no web page that the machine's browser shows. A page could send requests
 * here from its own origin, or by a name that it lets point here (DNS
 * rebinding), so the name asked for must be a loopback one as well.
 */
const localAccess: Access = {
  authorize({ headers }, { url, peerAddress, clientAddress }) {
    const refuse = (state: string): never => {
      throw new HttpError(
        "forbidden",
        `Cannot allow the request: ${state}, and without credentials only programs on the service's own machine may ask; API_KEYS or AUTH_ISSUER say whose are good`,
      );
    };
    if (!isLoopback(peerAddress) || !isLoopback(clientAddress)) {
      refuse("it comes from another machine");
    }
    if (FORWARDED.some((name) => headers.has(name))) {
      refuse("it comes through a proxy");
    }
    if (!isLoopbackName(url.hostname)) {
      refuse("its Host is not a loopback name");
    }
    const origin = headers.get("origin");
    const site = headers.get("sec-fetch-site") ?? "none";
    if (
      (origin !== null && origin !== url.origin) ||
      (site !== "none" && site !== "same-origin")
    ) {
      refuse("it comes from a web page of another origin");
    }
    return LOCAL;
  },
  identify: () => undefined,
};

function isLoopbackName(hostname: string): boolean {
  return hostname.endsWith(".localhost") || isLoopback(hostname);
}
