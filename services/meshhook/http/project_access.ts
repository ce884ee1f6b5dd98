import { hash } from "node:crypto";
import {
  Forbidden,
  HttpError,
  Unauthorized,
  type VerifiedToken,
} from "@mainstay/adapters/http";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { Tenants, TenantStore } from "../domain/tenant_store.ts";

/** Someone who acts for a project. */
export interface ProjectCaller {
  readonly projectId: string;
  /** For the audit and for events: `key:<name>`, `token:<subject>`. */
  readonly actor: string;
  /** Whether it holds a key of the project: a token does less. */
  readonly byKey: boolean;
  readonly store: TenantStore;
}

/** A handler that is given its project. */
export type ProjectHandler = (
  request: Request,
  context: RequestContext,
  caller: ProjectCaller,
) => Promise<Response>;

/** Makes a handler one that only its project's keys reach. */
export type ForProject = (handle: ProjectHandler) => Route["handle"];

/** Says whose a key is. */
export type KeyOwners = (
  key: string,
) => ReturnType<Tenants["projectOf"]>;

/** Finds keys by what is kept of them. */
export function keyOwners(tenants: Pick<Tenants, "projectOf">): KeyOwners {
  return (key) => tenants.projectOf(hash("sha256", key, "buffer"));
}

/** Checks a bearer token; see `createAccessTokenVerifier`. */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/**
 * Creates the check of who acts for a project: the holder of one of its API
 * keys, or of an access token whose subject is a member and whose scope is
 * `meshhook:read` to look and `meshhook:write` to change. A project that is not
 * the caller's is refused in the same words whether it is there or not.
 *
 * @param verifyToken None: there are only keys.
 */
export function createProjectAccess(
  tenants: Tenants,
  { verifyToken }: { readonly verifyToken?: VerifyToken | undefined } = {},
): ForProject {
  const ownerOf = keyOwners(tenants);

  async function byToken(
    token: VerifiedToken,
    project: string,
    method: string,
  ): Promise<string> {
    const scope = method === "GET" || method === "HEAD"
      ? "meshhook:read"
      : "meshhook:write";
    if (!token.scopes.includes(scope)) {
      throw new HttpError(
        "forbidden",
        `Cannot allow the request: the caller lacks the scope ${scope}`,
        {
          "www-authenticate":
            `Bearer error="insufficient_scope", scope="${scope}"`,
        },
      );
    }
    if (!await tenants.isMember(project, token.subject)) {
      throw new Forbidden(
        "Cannot allow the request: the caller is no member of the project",
      );
    }
    return `token:${token.subject}`;
  }

  async function byKey(key: string, project: string): Promise<string> {
    const owner = await ownerOf(key);
    if (owner === undefined) throw new Unauthorized();
    if (owner.projectId !== project) {
      throw new Forbidden(
        "Cannot allow the request: the key is another project's",
      );
    }
    return `key:${owner.keyName}`;
  }

  return (handle) => async (request, context) => {
    const credentials = bearerOf(request.headers);
    if (credentials === undefined) throw new Unauthorized();
    const { project = "" } = context.params;
    const isToken = verifyToken !== undefined && looksLikeToken(credentials);
    const actor = isToken
      ? await byToken(await verifyToken(credentials), project, request.method)
      : await byKey(credentials, project);
    return await handle(request, context, {
      projectId: project,
      actor,
      byKey: !isToken,
      store: tenants.of(project),
    });
  };
}

/** Finds the project that a key or token may look at; undefined: none. */
export type ProjectToRead = (
  credentials: string,
  /** Which is meant: a token's subject may be a member of several. */
  asked: string | undefined,
) => Promise<string | undefined>;

/** Creates the check of who may look at a project, for what is no request. */
export function createProjectToRead(
  tenants: Tenants,
  { verifyToken }: { readonly verifyToken?: VerifyToken | undefined },
): ProjectToRead {
  const ownerOf = keyOwners(tenants);
  return async (credentials, asked) => {
    if (verifyToken === undefined || !looksLikeToken(credentials)) {
      const owner = await ownerOf(credentials);
      return owner?.projectId === (asked ?? owner?.projectId)
        ? owner?.projectId
        : undefined;
    }
    const token = await verifyToken(credentials).catch((failure) => {
      if (failure instanceof Unauthorized) return undefined;
      throw failure;
    });
    if (asked === undefined || !token?.scopes.includes("meshhook:read")) {
      return undefined;
    }
    return await tenants.isMember(asked, token.subject) ? asked : undefined;
  };
}

function looksLikeToken(credentials: string): boolean {
  return credentials.split(".").length === 3;
}

function bearerOf(headers: Headers): string | undefined {
  const given = headers.get("authorization") ?? "";
  return /^Bearer +(\S+)$/i.exec(given)?.[1];
}
