import { Forbidden, jsonResponse, NotFound } from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { ForProject, ProjectCaller } from "./project_access.ts";
import { doc } from "./workflow_routes.ts";

const BASE = "/api/v1/projects/:project/members";

/**
 * Whose access tokens act for a project. Only a key of the project makes
 * members: a token cannot let in others.
 */
export function memberRoutes(forProject: ForProject): readonly Route[] {
  return [
    {
      method: "GET",
      path: BASE,
      handle: forProject(async (_request, _context, { store }) =>
        jsonResponse({ members: await store.listMembers() })
      ),
      doc: doc("Lists the subjects of tokens that act for the project"),
    },
    {
      method: "PUT",
      path: `${BASE}/:subject`,
      handle: forProject(async (_request, context, caller) => {
        const subject = subjectOf(context);
        requireKey(caller);
        await caller.store.putMember(subject, caller.actor);
        return jsonResponse({ subject });
      }),
      doc: doc("Lets the tokens of a subject act for the project"),
    },
    {
      method: "DELETE",
      path: `${BASE}/:subject`,
      handle: forProject(async (_request, context, caller) => {
        const subject = subjectOf(context);
        requireKey(caller);
        if (!await caller.store.removeMember(subject, caller.actor)) {
          throw new NotFound();
        }
        return new Response(null, { status: 204 });
      }),
      doc: doc("Lets the tokens of a subject act for the project no more"),
    },
  ];
}

/** @throws {Forbidden} */
export function requireKey({ byKey }: ProjectCaller): void {
  if (byKey) return;
  throw new Forbidden(
    "Cannot allow the request: it takes an API key of the project",
  );
}

/** @throws {InvalidInput} */
function subjectOf({ params }: RequestContext): string {
  const { subject = "" } = params;
  if (/^[\x21-\x7e]{1,255}$/.test(subject)) return subject;
  throw new InvalidInput([{
    pointer: "subject",
    detail: "Expected 1 to 255 visible ASCII characters",
  }]);
}
