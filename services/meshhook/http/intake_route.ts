import { jsonResponse, parseJson, readForm } from "@mainstay/adapters/http";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";
import { startRun } from "../domain/advance_run.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import { type Hook, type HookStore, secretUse } from "../domain/hook.ts";
import type { Json, Trigger } from "../domain/run_event.ts";
import { verifyJwtSignature } from "../domain/jwt_signature.ts";
import { verifySignature } from "../domain/webhook_signature.ts";
import type { IntakeLimit } from "./intake_limit.ts";
import { HookNotFound, SignatureRefused } from "./problems.ts";

/** What taking in a webhook needs. */
export interface IntakeOptions {
  readonly hooks: HookStore;
  readonly engine: Pick<EngineStore, "begin">;
  readonly encryption: KeyEncryption;
  readonly maxBytes: number;
  readonly limit: IntakeLimit;
  readonly now: () => number;
  /** Told that there is something to do. */
  readonly begun: () => void;
}

/** What a webhook's signature is in: it is not for the workflow to see. */
const CREDENTIALS =
  /^(authorization|cookie|proxy-authorization|.*signature.*)$/;

/**
 * Takes in a webhook: `POST /hooks/:project/:slug`. When it answers 202 the run,
 * its first event and its first task are durable. The same delivery again gets
 * 200 and the run that it began.
 */
export function intakeRoute(options: IntakeOptions): Route {
  const { hooks, engine, maxBytes, now } = options;
  return {
    method: "POST",
    path: "/hooks/:project/:slug",
    maxBodyBytes: maxBytes,
    async handle(request, context) {
      const { project = "", slug = "" } = context.params;
      const body = await context.body();
      const hook = await hooks.find(project, slug);
      if (hook === undefined) throw new HookNotFound();
      const deliveryId = await senderOf(hook, request.headers, body, options);
      options.limit(hook);
      if (hook.published === undefined) throw new HookNotFound();
      const { version, definition } = hook.published;
      const { workflowId } = hook;
      const receivedAtMs = now();
      const trigger: Trigger = {
        body: await bodyOf(request, body, context),
        headers: visibleHeaders(request.headers),
        receivedAtMs,
      };
      const { runId, created } = await engine.begin({
        runId: crypto.randomUUID(),
        projectId: project,
        workflowId,
        version,
        ...startRun(definition, {
          type: "run.started",
          workflowId,
          version,
          trigger,
        }, receivedAtMs),
        ...(deliveryId === undefined
          ? {}
          : { delivery: { slug, id: deliveryId } }),
      });
      if (created) options.begun();
      return jsonResponse({ runId }, { status: created ? 202 : 200 });
    },
    doc: {
      summary: "Takes in a signed webhook and begins a run",
      tags: ["hooks"],
      responses: {
        200: { description: "The delivery had come before: its run" },
        202: { description: "The run that it has begun" },
        429: { description: "The project's allowance is used up" },
      },
    },
  };
}

/**
 * Makes sure that a webhook is of whom its hook is for.
 *
 * @returns What tells this webhook from every other of its sender.
 * @throws {SignatureRefused}
 */
export async function senderOf(
  hook: Hook,
  headers: Headers,
  body: Uint8Array,
  { encryption, now }: Pick<IntakeOptions, "encryption" | "now">,
): Promise<string | undefined> {
  const { signature } = hook;
  const secrets = hook.secrets.map(({ name, encrypted }) =>
    new TextDecoder().decode(
      encryption.decrypt(encrypted, secretUse(hook.projectId, name)),
    )
  );
  const webhook = { headers, body, nowMs: now() };
  const verdict = signature.scheme === "jwt"
    ? await verifyJwtSignature(signature, webhook, secrets)
    : verifySignature(signature.scheme, webhook, secrets);
  if (!verdict.verified) throw new SignatureRefused(verdict.fault);
  return verdict.deliveryId;
}

async function bodyOf(
  request: Request,
  body: Uint8Array,
  context: RequestContext,
): Promise<Json> {
  const type = request.headers.get("content-type") ?? "application/json";
  if (!/^application\/x-www-form-urlencoded/i.test(type)) {
    return parseJson(body) as Json;
  }
  const form = await readForm(request, context);
  return Object.fromEntries(form.names.map((name) => [
    name,
    form.repeated.includes(name) ? form.all(name) : form.get(name) ?? "",
  ]));
}

function visibleHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => !CREDENTIALS.test(name)),
  );
}
