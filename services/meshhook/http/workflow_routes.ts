import {
  jsonResponse,
  NotFound,
  readJson,
  schemaJson,
} from "@mainstay/adapters/http";
import {
  hookToPut,
  MESHHOOK_NAME,
  secretToPut,
} from "@mainstay/contracts/meshhook";
import { workflowDefinition } from "@mainstay/contracts/meshhook_workflow";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import { InvalidInput, schemaMistakes } from "@mainstay/kernel/errors";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import type { z } from "zod";
import { parseWorkflow, secretsOf } from "../domain/check_workflow.ts";
import { type HookSignature, secretUse } from "../domain/hook.ts";
import { publicKeyMistake } from "../domain/jwt_signature.ts";
import type { Workflow } from "../domain/tenant_store.ts";
import type { ForProject, ProjectCaller } from "./project_access.ts";

const BASE = "/api/v1/projects/:project";
const MAX_WORKFLOW_BYTES = 1_048_576;

/** What a project writes: workflows, hooks, secrets. */
export function workflowRoutes(
  forProject: ForProject,
  { encryption }: { readonly encryption: KeyEncryption },
): readonly Route[] {
  return [
    {
      method: "GET",
      path: `${BASE}/workflows`,
      handle: forProject(async (_request, _context, { store }) =>
        jsonResponse({ workflows: (await store.listWorkflows()).map(shown) })
      ),
      doc: doc("Lists the workflows"),
    },
    {
      method: "GET",
      path: `${BASE}/workflows/:name`,
      handle: forProject(async (_request, { params }, { store }) => {
        const workflow = await store.findWorkflow(params["name"] ?? "");
        if (workflow === undefined) throw new NotFound();
        return jsonResponse({ ...shown(workflow), draft: workflow.draft });
      }),
      doc: doc("A workflow with its draft"),
    },
    {
      method: "PUT",
      path: `${BASE}/workflows/:name`,
      maxBodyBytes: MAX_WORKFLOW_BYTES,
      handle: forProject(async (request, context, { store }) => {
        const name = nameOf(context);
        const draft = parseWorkflow(await readJson(request, context));
        return jsonResponse(shown(await store.saveDraft(name, draft)));
      }),
      doc: {
        ...doc("Saves a workflow's draft, if nothing is wrong with it"),
        request: {
          "application/json": schemaJson(workflowDefinition, "input"),
        },
      },
    },
    {
      method: "POST",
      path: `${BASE}/workflows/:name/publish`,
      handle: forProject(async (_request, context, { store }) => {
        const name = nameOf(context);
        const workflow = await store.findWorkflow(name);
        if (workflow === undefined) throw new NotFound();
        await requireSecrets(workflow, store);
        const version = await store.publish(name);
        return jsonResponse({ name, version }, { status: 201 });
      }),
      doc: doc("Makes the draft the version that runs; it never changes again"),
    },
    {
      method: "GET",
      path: `${BASE}/workflows/:name/versions`,
      handle: forProject(async (_request, { params }, { store }) => {
        const { name = "" } = params;
        const versions = await store.listVersions(name);
        if (
          versions.length === 0 && await store.findWorkflow(name) === undefined
        ) throw new NotFound();
        return jsonResponse({ versions });
      }),
      doc: doc("Lists a workflow's versions, the newest first"),
    },
    {
      method: "GET",
      path: `${BASE}/workflows/:name/versions/:version`,
      handle: forProject(async (_request, { params }, { store }) => {
        const { name = "", version = "" } = params;
        const found = /^[1-9]\d{0,8}$/.test(version)
          ? await store.findVersion(name, Number(version))
          : undefined;
        if (found === undefined) throw new NotFound();
        const { publishedAt, definition } = found;
        return jsonResponse({
          version: found.version,
          publishedAt,
          definition,
        });
      }),
      doc: doc("A version of a workflow, as it runs"),
    },
    {
      method: "GET",
      path: `${BASE}/hooks`,
      handle: forProject(async (_request, _context, { store }) =>
        jsonResponse({ hooks: await store.listHooks() })
      ),
      doc: doc("Lists the hooks"),
    },
    {
      method: "PUT",
      path: `${BASE}/hooks/:name`,
      handle: forProject(async (request, context, { store }) => {
        const slug = nameOf(context);
        const hook = await bodyOf(request, context, hookToPut);
        await requireKeys(hook.signature);
        await requireSigningSecrets(hook.signature, store);
        if (!await store.putHook({ slug, ...hook })) {
          throw new InvalidInput([{
            pointer: "/workflow",
            detail: `There is no workflow ${hook.workflow}`,
          }]);
        }
        return jsonResponse({ slug, ...hook });
      }),
      doc: {
        ...doc("Opens a hook, or changes it"),
        request: { "application/json": schemaJson(hookToPut, "input") },
      },
    },
    {
      method: "DELETE",
      path: `${BASE}/hooks/:name`,
      handle: forProject(async (_request, context, { store }) =>
        removed(await store.removeHook(nameOf(context)))
      ),
      doc: doc("Closes a hook"),
    },
    {
      method: "GET",
      path: `${BASE}/secrets`,
      handle: forProject(async (_request, _context, { store }) =>
        jsonResponse({ secrets: await store.listSecrets() })
      ),
      doc: doc("Lists the secrets' names; their values are never given out"),
    },
    {
      method: "PUT",
      path: `${BASE}/secrets/:name`,
      handle: forProject(
        async (request, context, { store, projectId, actor }) => {
          const name = nameOf(context);
          const { value } = await bodyOf(request, context, secretToPut);
          const encrypted = encryption.encrypt(
            new TextEncoder().encode(value),
            secretUse(projectId, name),
          );
          await store.putSecret(name, encrypted, actor);
          return jsonResponse({ name });
        },
      ),
      doc: {
        ...doc("Keeps a secret, encrypted"),
        request: { "application/json": schemaJson(secretToPut, "input") },
      },
    },
    {
      method: "DELETE",
      path: `${BASE}/secrets/:name`,
      handle: forProject(async (_request, context, { store, actor }) =>
        removed(await store.removeSecret(nameOf(context), actor))
      ),
      doc: doc("Forgets a secret"),
    },
  ];
}

function shown({ id, name, publishedVersion, updatedAt }: Workflow) {
  return { id, name, publishedVersion: publishedVersion ?? null, updatedAt };
}

/** A workflow whose secrets are missing would fail at its first webhook. */
async function requireSecrets(
  { draft }: Workflow,
  store: ProjectCaller["store"],
): Promise<void> {
  const known = await secretNames(store);
  const missing = [...secretsOf(draft)].filter((name) => !known.has(name));
  if (missing.length === 0) return;
  throw new InvalidInput(
    missing.map((name) => ({
      pointer: "/nodes",
      detail: `There is no secret ${name}`,
    })),
    "Cannot publish the workflow: it refers to secrets that there are not",
  );
}

/** Without its secret a hook would refuse its sender, and say only that it does. */
async function requireSigningSecrets(
  signature: HookSignature,
  store: ProjectCaller["store"],
): Promise<void> {
  if (!("secrets" in signature)) return;
  const known = await secretNames(store);
  const mistakes = signature.secrets.flatMap((name, at) =>
    known.has(name) ? [] : [{
      pointer: `/signature/secrets/${at}`,
      detail: `There is no secret ${name}`,
    }]
  );
  if (mistakes.length > 0) throw new InvalidInput(mistakes);
}

async function secretNames(
  store: ProjectCaller["store"],
): Promise<ReadonlySet<string>> {
  return new Set((await store.listSecrets()).map(({ name }) => name));
}

/** A key that checks nothing would show at the first webhook. */
async function requireKeys(signature: HookSignature): Promise<void> {
  if (!("keys" in signature)) return;
  const { keys, algorithm } = signature;
  const mistakes = await Promise.all(
    keys.map((key) => publicKeyMistake(key, algorithm)),
  );
  const found = mistakes.flatMap((detail, at) =>
    detail === undefined ? [] : [{ pointer: `/signature/keys/${at}`, detail }]
  );
  if (found.length > 0) throw new InvalidInput(found);
}

/** @throws {InvalidInput} Naming every mistake. */
export async function bodyOf<Schema extends z.ZodType>(
  request: Request,
  context: RequestContext,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const { data, error } = schema.safeParse(await readJson(request, context));
  if (error === undefined) return data;
  const known = "shape" in schema ? Object.keys(schema.shape as object) : [];
  throw new InvalidInput(schemaMistakes(error.issues, "", known));
}

/** @throws {InvalidInput} */
function nameOf({ params }: RequestContext): string {
  const { name = "" } = params;
  if (MESHHOOK_NAME.test(name)) return name;
  throw new InvalidInput([{
    pointer: "name",
    detail:
      "Expected 1 to 100 characters of a-z 0-9 . _ - that begin with a letter or digit",
  }]);
}

function removed(found: boolean): Response {
  if (!found) throw new NotFound();
  return new Response(null, { status: 204 });
}

/** What OpenAPI says of a route of a project. */
export function doc(summary: string) {
  return {
    summary,
    tags: ["projects"],
    responses: { 200: { description: summary } },
    security: ["apiKey"],
  };
}
