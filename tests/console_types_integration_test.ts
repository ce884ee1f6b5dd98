import { strictEqual } from "node:assert/strict";
import { layOutConsole, stateFolder } from "@mainstay/tools/local_stack";

/** As the project's own: strict, and each import written as it is resolved. */
const OPTIONS = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    module: "esnext",
    moduleResolution: "bundler",
    target: "esnext",
    lib: ["esnext", "dom", "dom.iterable"],
    types: ["svelte", "vite/client"],
    paths: {
      "@mainstay/contracts/identity": ["./contracts/identity_contract.ts"],
    },
  },
  include: ["console/src/**/*"],
};

Deno.test("the console's components have no type errors and no warnings", async () => {
  const folder = await stateFolder("console", "check");
  await layOutConsole(folder, [
    "@sveltejs/vite-plugin-svelte",
    "oidc-client-ts",
    "svelte",
    "svelte-check",
    "typescript",
    "vite",
    "zod",
  ]);
  await Deno.writeTextFile(
    `${folder}/tsconfig.json`,
    JSON.stringify(OPTIONS),
  );
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "npm:svelte-check",
      "--tsconfig=./tsconfig.json",
      "--output=machine",
      "--fail-on-warnings",
    ],
    cwd: folder,
    stdin: "null",
  }).output();
  strictEqual(code, 0, new TextDecoder().decode(stdout));
});
