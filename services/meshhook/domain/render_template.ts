import type { Template } from "@mainstay/contracts/meshhook_workflow";
import type { Json } from "./run_event.ts";

/** What a template's references stand for. */
export interface TemplateValues {
  evaluate(expression: string): Promise<Json>;
  secret(name: string): Promise<string>;
}

/** Fills in a template: expressions by their values, secrets by theirs. */
export async function renderTemplate(
  template: Template,
  values: TemplateValues,
): Promise<Json> {
  if (typeof template !== "object" || template === null) return template;
  if (Array.isArray(template)) {
    return await Promise.all(
      template.map((item) => renderTemplate(item, values)),
    );
  }
  const entries = Object.entries(template as Record<string, Template>);
  const [only] = entries;
  if (only !== undefined && entries.length === 1) {
    const [name, value] = only;
    if (name === "$expression") return await values.evaluate(String(value));
    if (name === "$secret") return await values.secret(String(value));
  }
  return Object.fromEntries(
    await Promise.all(
      entries.map(async ([name, value]) =>
        [name, await renderTemplate(value, values)] as const
      ),
    ),
  );
}

/** The same value, with every appearance of a secret in its texts masked. */
export function maskSecrets(value: Json, secrets: readonly string[]): Json {
  if (secrets.length === 0) return value;
  if (typeof value === "string") {
    return secrets.reduce(
      (text, secret) => text.replaceAll(secret, "***"),
      value,
    );
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((item) => maskSecrets(item, secrets));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      maskSecrets(name, secrets) as string,
      maskSecrets(inner, secrets),
    ]),
  );
}
