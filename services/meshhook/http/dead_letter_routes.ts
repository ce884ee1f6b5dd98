import { jsonResponse, NotFound, readQuery } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { resumedRun } from "../domain/change_run.ts";
import type { ForProject } from "./project_access.ts";
import {
  before,
  limit,
  noPlace,
  pageParameters,
  runIdOf,
} from "./run_routes.ts";
import { doc } from "./workflow_routes.ts";

const BASE = "/api/v1/projects/:project/dead-letters";

/** What a project does about steps that were given up. */
export function deadLetterRoutes(
  forProject: ForProject,
  { now, begun }: {
    readonly now: () => number;
    /** Told that there is something to do. */
    readonly begun: () => void;
  },
): readonly Route[] {
  return [
    {
      method: "GET",
      path: BASE,
      handle: forProject(async (_request, { url }, { store }) => {
        const page = readQuery(url, { limit, before });
        const deadLetters = await store.listDead({ limit: 50, ...page });
        if (
          deadLetters.length === 0 && page.before !== undefined &&
          (await store.findRun(page.before))?.endedAt === undefined
        ) throw noPlace(`The run ${page.before} has not ended`);
        return jsonResponse({ deadLetters });
      }),
      doc: {
        ...doc("Lists steps that were given up, with why, the last first"),
        parameters: pageParameters("run"),
      },
    },
    {
      method: "POST",
      path: `${BASE}/:run/redrive`,
      handle: forProject(async (_request, context, { store, actor }) => {
        const id = runIdOf(context);
        const dead = await store.findDead(id);
        if (dead === undefined) throw new NotFound();
        const from = dead.node;
        await store.changeRun(
          id,
          (run) => resumedRun(run, { from, by: actor, nowMs: now() }),
        );
        begun();
        return jsonResponse({ runId: id, from });
      }),
      doc: doc("Takes a run up again at the step that was given up"),
    },
    {
      method: "DELETE",
      path: `${BASE}/:run`,
      handle: forProject(async (_request, context, { store }) => {
        if (!await store.discardDead(runIdOf(context))) throw new NotFound();
        return new Response(null, { status: 204 });
      }),
      doc: doc("Takes a step from the dead letters; its run stays failed"),
    },
  ];
}
