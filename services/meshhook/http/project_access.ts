import { hash } from "node:crypto";
import { Forbidden, Unauthorized } from "@mainstay/adapters/http";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { Tenants, TenantStore } from "../domain/tenant_store.ts";

/** Someone who acts for a project. */
export interface ProjectCaller {
  readonly projectId: string;
  /** For the audit and for events: `key:<name>`. */
  readonly actor: string;
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

/**
 * Creates the check of API keys. A project that is not the key's is refused in
 * the same words whether it is there or not.
 */
export function createProjectAccess(tenants: Tenants): ForProject {
  const ownerOf = keyOwners(tenants);
  return (handle) => async (request, context) => {
    const key = bearerOf(request.headers);
    const owner = key === undefined ? undefined : await ownerOf(key);
    if (owner === undefined) throw new Unauthorized();
    const { project = "" } = context.params;
    if (owner.projectId !== project) {
      throw new Forbidden(
        "Cannot allow the request: the key is another project's",
      );
    }
    return await handle(request, context, {
      projectId: project,
      actor: `key:${owner.keyName}`,
      store: tenants.of(project),
    });
  };
}

function bearerOf(headers: Headers): string | undefined {
  const given = headers.get("authorization") ?? "";
  return /^Bearer +(\S+)$/i.exec(given)?.[1];
}
