import { createHmac, hash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { jsonResponse, readJson } from "@mainstay/adapters/http";
import { migrate, readMigrations } from "@mainstay/adapters/postgres";
import type { Module } from "@mainstay/kernel/lifecycle";
import { parseWorkflow, secretUse } from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";
import { keptSecret, stateFolder } from "@mainstay/tools/local_stack";
import { openMeshhook } from "../meshhook/open_meshhook.ts";

/** A project whose workflow a webhook of a person's own begins, right after `up`. */
export interface MeshhookDemo {
  readonly project: string;
  readonly apiKey: string;
  /** Below the service's URL. */
  readonly hookPath: string;
  readonly payloadPath: string;
  /** Of that payload as it is now. */
  readonly signature: string;
}

const PROJECT = "demo";
const SLUG = "github";
const WORKFLOW = "issues";
const SECRET = "github-webhook";
const RECEIVER = "/demo/receiver";
/** In the state folder. */
const PAYLOAD = "demo_webhook.json";
/** Where the example says that the receiver is. */
const EXAMPLE_PORT = "127.0.0.1:8084";
const checkout = new URL("../../", import.meta.url);

/**
 * Migrates a private database, and makes in it a project with a key, a workflow
 * and a hook, each unless it is there. The secrets are kept beside the
 * database's.
 *
 * @param options.env Names the database and the key-encryption key.
 * @param options.port Of MeshHook, which has the {@link demoReceiver} beside it.
 */
export async function seedMeshhookDemo(
  { env, port }: {
    readonly env: Readonly<Record<string, string>>;
    readonly port: number;
  },
): Promise<MeshhookDemo> {
  await using meshhook = await openMeshhook(env);
  const { postgres, storage: { tenants } } = meshhook;
  await migrate(postgres, await readMigrations(postgresDatabase.migrations));
  const apiKey = await keptSecret(
    "demo_meshhook_key",
    () => `mainstay_${randomBytes(32).toString("base64url")}`,
  );
  const secret = await keptSecret(
    "demo_webhook_secret",
    () => randomBytes(24).toString("hex"),
  );
  await tenants.create({
    id: PROJECT,
    name: "Demo",
    keyHash: hash("sha256", apiKey, "buffer"),
  });
  const project = tenants.of(PROJECT);
  if (!(await project.listSecrets()).some(({ name }) => name === SECRET)) {
    const value = meshhook.encryption().encrypt(
      new TextEncoder().encode(secret),
      secretUse(PROJECT, SECRET),
    );
    await project.putSecret(SECRET, value, "mainstay up");
  }
  const workflow = parseWorkflow(JSON.parse(
    (await Deno.readTextFile(
      new URL("docs/examples/issues_workflow.json", checkout),
    )).replaceAll(EXAMPLE_PORT, `127.0.0.1:${port}`),
  ));
  const there = await project.findWorkflow(WORKFLOW);
  if (!isDeepStrictEqual(there?.draft, workflow)) {
    await project.saveDraft(WORKFLOW, workflow);
    await project.publish(WORKFLOW);
    await project.putHook({
      slug: SLUG,
      workflow: WORKFLOW,
      signature: { scheme: "github", secrets: [SECRET] },
    });
  }
  const payload = await keptSecret(PAYLOAD, issueOpened);
  return {
    project: PROJECT,
    apiKey,
    hookPath: `/hooks/${PROJECT}/${SLUG}`,
    payloadPath: `${await stateFolder()}/${PAYLOAD}`,
    signature: createHmac("sha256", secret).update(payload).digest("hex"),
  };
}

/** What GitHub sends when an issue is opened: megabytes of JSON, read once. */
async function issueOpened(): Promise<string> {
  const { default: hooks } = await import("@octokit/webhooks-examples", {
    with: { type: "json" },
  });
  const issues = hooks.find(({ name }) => name === "issues")
    ?.examples as readonly { readonly action: string }[];
  const opened = issues.find(({ action }) => action === "opened");
  return JSON.stringify(opened, null, 2);
}

/** What the demo's workflow calls: it logs what it got, and answers with a receipt. */
export const demoReceiver: Module = {
  name: "demo-receiver",
  setup: ({ log }) => ({
    routes: [{
      method: "POST",
      path: RECEIVER,
      async handle(request, context) {
        const got = await readJson(request, context);
        const receipt = request.headers.get("idempotency-key");
        log.info("The demo's receiver got a call", { got, receipt });
        return jsonResponse({ receipt });
      },
    }],
  }),
};
