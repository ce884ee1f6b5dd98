import type { Template } from "@mainstay/contracts/meshhook_workflow";
import { evaluate, type Scope } from "./expression.ts";
import type { Json } from "./run_event.ts";

/** A workflow refers to a secret that its project does not have. */
export class SecretMissing extends Error {
  override readonly name = "SecretMissing";
  readonly secret: string;

  constructor(secret: string) {
    super(`There is no secret ${secret}`);
    this.secret = secret;
  }
}

/**
 * Fills in a template: expressions by their values, secrets by theirs.
 *
 * @param secrets By name.
 * @throws {SecretMissing}
 */
export function renderTemplate(
  template: Template,
  scope: Scope,
  secrets: ReadonlyMap<string, string>,
): Json {
  if (typeof template !== "object" || template === null) return template;
  if (Array.isArray(template)) {
    return template.map((item) => renderTemplate(item, scope, secrets));
  }
  const entries = Object.entries(template as Record<string, Template>);
  const [only] = entries;
  if (only !== undefined && entries.length === 1) {
    const [name, value] = only;
    if (name === "$expression") return evaluate(String(value), scope);
    if (name === "$secret") {
      const secret = secrets.get(String(value));
      if (secret === undefined) throw new SecretMissing(String(value));
      return secret;
    }
  }
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      renderTemplate(value, scope, secrets),
    ]),
  );
}
