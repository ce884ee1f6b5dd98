import type { Template } from "@mainstay/contracts/meshhook_workflow";
import type { KeyEncryption } from "@mainstay/kernel/encryption";
import type { StepResult } from "../domain/advance_run.ts";
import { secretUse } from "../domain/hook.ts";
import { keptJson, TooMuchToKeep } from "../domain/kept_json.ts";
import { maskSecrets, renderTemplate } from "../domain/render_template.ts";
import type { Json } from "../domain/run_event.ts";
import type { SecretReader } from "../domain/secret_reader.ts";
import type { StepContext } from "../domain/step_runner.ts";
import type { ExpressionRunner } from "./expression_runner.ts";

/** A step that cannot be done as its workflow says. */
export class StepRefused extends Error {
  override readonly name = "StepRefused";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the values of a step come from. */
export interface StepValuesOptions {
  readonly expressions: ExpressionRunner;
  readonly secrets: SecretReader;
  readonly encryption: KeyEncryption;
}

/** The values of one attempt of one step. */
export interface StepValues {
  /**
   * @throws {StepRefused} For a secret that there is not.
   * @throws {TooMuchToKeep}
   */
  render(template: Template): Promise<Json>;
  /**
   * What the step came to, with every secret that it used masked.
   *
   * @throws {TooMuchToKeep}
   */
  mask(value: Json): Json;
}

/** Begins to fill in a step's templates; remembers the secrets that it has used. */
export function stepValues(
  { task, scope }: StepContext,
  { expressions, secrets, encryption }: StepValuesOptions,
): StepValues {
  const used: string[] = [];
  const { projectId, runId, node } = task;
  return {
    render: async (template) =>
      keptJson(
        await renderTemplate(template, {
          evaluate: (expression) =>
            expressions.evaluate(expression, scope, projectId),
          async secret(name) {
            const kept = await secrets.read(
              projectId,
              name,
              `${runId}:${node}`,
            );
            if (kept === undefined) {
              throw new StepRefused(
                "secret-missing",
                `There is no secret ${name}`,
              );
            }
            const plain = encryption.decrypt(kept, secretUse(projectId, name));
            const secret = new TextDecoder().decode(plain);
            used.push(secret);
            return secret;
          },
        }),
      ),
    mask: (value) => maskSecrets(keptJson(value), used.flatMap(appearances)),
  };
}

/** How a secret may come back: as it is, and as JSON, URLs and Basic authentication write it. */
function appearances(secret: string): string[] {
  if (secret === "") return [];
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new TextEncoder().encode(secret).toBase64(),
  ];
}

/** A step's failure as its run shows it; undefined for one that nobody expected. */
export function refusalOf(failure: unknown): StepResult | undefined {
  if (failure instanceof StepRefused) {
    const { code, message } = failure;
    return { error: { code, message } };
  }
  if (failure instanceof TooMuchToKeep) {
    return { error: { code: "value-too-large", message: failure.message } };
  }
  if (failure instanceof Error && failure.name === "ExpressionFailed") {
    const { message } = failure;
    return { error: { code: "expression-failed", message } };
  }
  return undefined;
}
