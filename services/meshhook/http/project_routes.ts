import {
  jsonResponse,
  NotFound,
  type Parameter,
  readQuery,
} from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import type { ExportLine } from "../domain/tenant_store.ts";
import type { ProjectAdministration } from "../domain/project_administration.ts";
import { requireKey } from "./member_routes.ts";
import type { ForProject } from "./project_access.ts";
import { limit, pageParameters } from "./run_routes.ts";
import { doc } from "./workflow_routes.ts";

const BASE = "/api/v1/projects/:project";
/** The last entry of the page before. */
const before: Parameter<string> = {
  expects: "the id of an entry",
  parse: (text) => /^\d{1,18}$/.test(text) ? text : undefined,
};
/** Lines are sent together up to this many characters. */
const CHUNK = 65_536;

/** A project as a whole: its record, all of it taken out, its end. */
export function projectRoutes(
  forProject: ForProject,
  { projects }: { readonly projects: Pick<ProjectAdministration, "erase"> },
): readonly Route[] {
  return [
    {
      method: "GET",
      path: `${BASE}/audit`,
      handle: forProject(async (_request, { url }, { store }) => {
        const page = readQuery(url, { limit, before });
        return jsonResponse({
          entries: await store.listAudit({ limit: 50, ...page }),
        });
      }),
      doc: {
        ...doc("Lists who did what, the newest first"),
        parameters: pageParameters("entry"),
      },
    },
    {
      method: "GET",
      path: `${BASE}/export`,
      timeoutMs: "none",
      handle: forProject((_request, _context, { store }) =>
        Promise.resolve(
          new Response(ReadableStream.from(chunks(store.export())), {
            headers: { "content-type": "application/x-ndjson" },
          }),
        )
      ),
      doc: {
        ...doc("All of the project but its secrets, a JSON document a line"),
        responses: {
          200: {
            description:
              "Workflows, versions, hooks, and each run with its events",
            content: { "application/x-ndjson": { schema: { type: "string" } } },
          },
        },
      },
    },
    {
      method: "DELETE",
      path: BASE,
      handle: forProject(async (_request, _context, caller) => {
        requireKey(caller);
        if (!await projects.erase(caller.projectId, caller.actor)) {
          throw new NotFound();
        }
        return new Response(null, { status: 202 });
      }),
      doc: {
        ...doc(
          "Erases the project: nothing of it is reached any more, and workers remove its rows",
        ),
        responses: { 202: { description: "It has ended" } },
      },
    },
  ];
}

async function* chunks(
  lines: AsyncIterable<ExportLine>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let text = "";
  for await (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (text.length < CHUNK) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}
