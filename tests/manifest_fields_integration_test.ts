/**
 * Kubernetes' schemas allow unknown fields, as the API server does, which drops
 * them: a misspelt one would do nothing. Its types do not.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

const root = new URL("../", import.meta.url);

const MODULES: Readonly<Record<string, string>> = {
  "apps/v1": "apps/v1",
  "autoscaling/v2": "autoscaling/v2",
  "networking.k8s.io/v1": "networking.k8s.io/v1",
  "policy/v1": "policy/v1",
  v1: "v1",
};

/** What the type checker says of the manifests as literals of their types. */
async function check(manifests: readonly unknown[]) {
  const program = manifests.map((manifest, i) => {
    const { apiVersion, kind } = manifest as Record<string, string>;
    const module = MODULES[apiVersion ?? ""];
    ok(module !== undefined, `${apiVersion} has types here`);
    return `import type { I${kind} as T${i} } from "kubernetes-models/${module}";
      export const m${i}: T${i} = ${JSON.stringify(manifest)};`;
  }).join("\n");
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, program);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", `--config=${new URL("deno.json", root).pathname}`, file],
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).output();
    return { code, said: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("no manifest has a field that Kubernetes does not know", async () => {
  const manifests = globSync("deployments/kubernetes/*/*.yaml", {
    cwd: root,
  })
    .filter((file) => !file.endsWith("kustomization.yaml"))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(new URL(file, root), "utf8"), {
        merge: true,
      }).map((document) => document.toJS())
    );
  ok(manifests.length >= 7);
  const { code, said } = await check(manifests);
  strictEqual(code, 0, said);

  const misspelt = structuredClone(
    manifests.find(({ kind }) => kind === "Deployment"),
  );
  misspelt.spec.template.spec.terminationGracePeriod = 1;
  match((await check([misspelt])).said, /terminationGracePeriod/);
});
