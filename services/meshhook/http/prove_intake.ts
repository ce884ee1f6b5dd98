import { createHmac } from "node:crypto";
import { type Hook, type HookStore, secretUse } from "../domain/hook.ts";
import { type IntakeOptions, senderOf } from "./intake_route.ts";
import { SignatureRefused } from "./problems.ts";

/** No project and no hook has such a name. */
const NOBODY = "";

/**
 * Puts a webhook of its own through what each one goes through before it begins
 * a run: the look for its hook, the opening of its secret, the check of its
 * signature. A forged one must be refused.
 *
 * @throws {Error} If any of it does not work.
 */
export async function proveIntake(
  { hooks, encryption, now }:
    & Pick<IntakeOptions, "encryption" | "now">
    & { readonly hooks: HookStore },
): Promise<void> {
  if (await hooks.find(NOBODY, NOBODY) !== undefined) {
    throw new Error("There is a hook that nobody has made");
  }
  const secret = crypto.randomUUID();
  const hook: Hook = {
    projectId: NOBODY,
    slug: NOBODY,
    signature: { scheme: "standard", secrets: ["probe"] },
    secrets: [{
      name: "probe",
      encrypted: encryption.encrypt(
        new TextEncoder().encode(secret),
        secretUse(NOBODY, "probe"),
      ),
    }],
    workflowId: NOBODY,
  };
  const body = new TextEncoder().encode('{"probe":true}');
  const timestamp = Math.floor(now() / 1_000);
  const signature = createHmac("sha256", secret)
    .update(`probe.${timestamp}.`).update(body).digest("base64");
  const send = (given: string) =>
    senderOf(
      hook,
      new Headers({
        "webhook-id": "probe",
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${given}`,
      }),
      body,
      { encryption, now },
    );
  if (await send(signature) !== "probe") {
    throw new Error("The intake takes a webhook for another");
  }
  const forged = `${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;
  try {
    await send(forged);
  } catch (failure) {
    if (failure instanceof SignatureRefused) return;
    throw failure;
  }
  throw new Error("The intake takes in what is forged");
}
