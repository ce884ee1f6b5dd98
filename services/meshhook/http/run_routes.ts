import {
  jsonResponse,
  NotFound,
  type Parameter,
  readQuery,
  schemaJson,
} from "@mainstay/adapters/http";
import {
  MESHHOOK_LIMITS,
  runToResume,
  runToTest,
} from "@mainstay/contracts/meshhook";
import type {
  RequestContext,
  Route,
  RouteDoc,
} from "@mainstay/kernel/lifecycle";
import { InvalidInput } from "@mainstay/kernel/errors";
import { startRun } from "../domain/advance_run.ts";
import { cancelledRun, resumedRun } from "../domain/change_run.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import type { Json } from "../domain/run_event.ts";
import type { RunStatus } from "../domain/run_state.ts";
import type { ForProject } from "./project_access.ts";
import { bodyOf, doc } from "./workflow_routes.ts";

const BASE = "/api/v1/projects/:project";
const STATUSES: readonly string[] = [
  "running",
  "succeeded",
  "failed",
  "cancelled",
];
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How many at most. */
export const limit: Parameter<number> = {
  expects: `a whole number from 1 to ${MESHHOOK_LIMITS.page}`,
  parse: (text) =>
    /^\d{1,3}$/.test(text) && Number(text) >= 1 &&
      Number(text) <= MESHHOOK_LIMITS.page
      ? Number(text)
      : undefined,
};
const status: Parameter<RunStatus> = {
  expects: `one of ${STATUSES.join(", ")}`,
  parse: (text) => STATUSES.includes(text) ? text as RunStatus : undefined,
};
/** The last run of the page before: many may have begun in one millisecond. */
export const before: Parameter<string> = {
  expects: "the id of a run",
  parse: (text) => RUN_ID.test(text) ? text : undefined,
};

/** What OpenAPI says of {@link limit} and {@link before}. */
export function pageParameters(
  item: string,
): NonNullable<RouteDoc["parameters"]> {
  return [
    {
      name: "limit",
      in: "query",
      description: "How many at most; default 50",
      schema: { type: "integer", minimum: 1, maximum: MESHHOOK_LIMITS.page },
    },
    {
      name: "before",
      in: "query",
      description: `The id of the page before's last ${item}: what comes after`,
      schema: { type: "string" },
    },
  ];
}

/** What a project sees of its runs, and does to them. */
export function runRoutes(
  forProject: ForProject,
  { engine, now, begun }: {
    readonly engine: Pick<EngineStore, "begin">;
    readonly now: () => number;
    /** Told that there is something to do. */
    readonly begun: () => void;
  },
): readonly Route[] {
  return [
    {
      method: "GET",
      path: `${BASE}/runs`,
      handle: forProject(async (_request, { url }, { store }) => {
        const page = readQuery(url, { limit, status, before });
        const runs = await store.listRuns({ limit: 50, ...page });
        if (
          runs.length === 0 && page.before !== undefined &&
          await store.findRun(page.before) === undefined
        ) throw noPlace(`There is no run ${page.before}`);
        return jsonResponse({ runs });
      }),
      doc: {
        ...doc("Lists runs, the newest first"),
        parameters: [
          {
            name: "status",
            in: "query",
            description: "Only those that are so",
            schema: { type: "string", enum: STATUSES },
          },
          ...pageParameters("run"),
        ],
      },
    },
    {
      method: "GET",
      path: `${BASE}/runs/:run`,
      handle: forProject(async (_request, context, { store }) => {
        const run = await store.findRun(runIdOf(context));
        if (run === undefined) throw new NotFound();
        return jsonResponse(run);
      }),
      doc: doc("A run with all its events"),
    },
    {
      method: "POST",
      path: `${BASE}/runs/:run/cancel`,
      handle: forProject(async (_request, context, { store, actor }) => {
        const id = runIdOf(context);
        if (!await store.changeRun(id, (run) => cancelledRun(run, actor))) {
          throw new NotFound();
        }
        return jsonResponse(await store.findRun(id));
      }),
      doc: doc("Ends a run; one that has ended stays as it is"),
    },
    {
      method: "POST",
      path: `${BASE}/runs/:run/resume`,
      handle: forProject(async (request, context, { store, actor }) => {
        const id = runIdOf(context);
        const { from } = await bodyOf(request, context, runToResume);
        const found = await store.changeRun(
          id,
          (run) => resumedRun(run, { from, by: actor, nowMs: now() }),
        );
        if (!found) throw new NotFound();
        begun();
        return jsonResponse(await store.findRun(id));
      }),
      doc: {
        ...doc("Takes a failed or cancelled run up again at a step"),
        request: { "application/json": schemaJson(runToResume, "input") },
      },
    },
    {
      method: "POST",
      path: `${BASE}/workflows/:name/test`,
      handle: forProject(async (request, context, { store, projectId }) => {
        const { name = "" } = context.params;
        const { body, headers } = await bodyOf(request, context, runToTest);
        const workflow = await store.findVersion(name);
        if (workflow === undefined) throw new NotFound();
        const { workflowId, version, definition } = workflow;
        const receivedAtMs = now();
        const { runId } = await engine.begin({
          runId: crypto.randomUUID(),
          projectId,
          workflowId,
          version,
          test: true,
          ...startRun(definition, {
            type: "run.started",
            workflowId,
            version,
            trigger: { body: body as Json, headers, receivedAtMs },
          }, receivedAtMs),
        });
        begun();
        return jsonResponse({ runId }, { status: 202 });
      }),
      doc: {
        ...doc("Begins a run without a webhook; its calls are made"),
        request: { "application/json": schemaJson(runToTest, "input") },
      },
    },
  ];
}

/** A page that begins nowhere is not an empty one. */
export function noPlace(why: string): InvalidInput {
  return new InvalidInput([{
    pointer: "before",
    detail: `${why}: list again without it`,
  }]);
}

/** @throws {NotFound} For what is no run's id at all. */
export function runIdOf({ params }: RequestContext): string {
  const { run = "" } = params;
  if (!RUN_ID.test(run)) throw new NotFound();
  return run;
}
