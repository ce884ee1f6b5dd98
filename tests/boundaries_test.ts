/**
 * The dependency rules of ARCHITECTURE.md and the file rules of the project,
 * held against the tree as it stands; and against a toy tree in which each of
 * them is broken, so that none of these tests passes for want of looking.
 */
import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { findCycle, judgeFile, judgeImport } from "./boundaries.ts";
import {
  type ImportGraph,
  readImportGraph,
} from "@mainstay/tools/import_graph";

const root = new URL("../", import.meta.url);
const graph = await readImportGraph(root);

async function judgeFiles({ files }: ImportGraph, at: URL): Promise<string[]> {
  const findings = await Promise.all(
    files.map(async (file) =>
      judgeFile(file, await Deno.readTextFile(new URL(file, at)))
    ),
  );
  return findings.flat();
}

function judgeImports({ imports }: ImportGraph): string[] {
  return imports.map(judgeImport).filter((finding) => finding !== undefined);
}

Deno.test("imports follow the layer table", () => {
  assertEquals(judgeImports(graph), []);
});

Deno.test("no import cycle exists", () => {
  assertEquals(findCycle(graph.imports), []);
});

Deno.test("every file has a layer, a speaking name, at most 400 lines, and what its layer may use", async () => {
  assertEquals(await judgeFiles(graph, root), []);
});

const TOY: Readonly<Record<string, string>> = {
  "deno.json": JSON.stringify({
    imports: {
      "zod": "npm:zod@4.6.7",
      "@toy/orders": "./services/orders/module.ts",
      "@toy/kernel": "./kernel/log.ts",
    },
  }),
  "kernel/log.ts": `import type { Big } from "../adapters/big.ts"; export {};`,
  "kernel/pg.ts": `import "npm:pg@8.23.1";`,
  "adapters/big.ts": `export interface Big {}`,
  "services/orders/domain/order.ts":
    `// Date.now() here is a comment\nexport const at = Date.now();`,
  "services/orders/http/route.ts": `import "../storage/store.ts";`,
  "services/orders/storage/store.ts":
    `export const lazy = () => import("./loop.ts");`,
  "services/orders/storage/loop.ts": `export * from "./store.ts";`,
  "services/orders/module.ts": `import "./storage/store.ts"; console.log(1);`,
  "services/users/module.ts": `import "@toy/orders";`,
  "services/users/domain/helpers.ts": `import "../../../kernel/log.ts";`,
  "console/page.svelte":
    `<script lang="ts">import { x } from "@toy/kernel"; import "./part.svelte";</script>`,
  "console/part.svelte": `<script>console.log(1);</script>`,
  "cli/long.ts": "// line\n".repeat(401),
  "cli/CamelCase.ts": "export {};",
};

Deno.test("every planted breach is found, and nothing else", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const toyRoot = new URL(`file://${folder}/`);
  try {
    for (const [path, text] of Object.entries(TOY)) {
      const file = new URL(path, toyRoot);
      await Deno.mkdir(new URL(".", file), { recursive: true });
      await Deno.writeTextFile(file, text);
    }
    const toy = await readImportGraph(toyRoot);
    assertEquals(judgeImports(toy).toSorted(), [
      "console/page.svelte: console may not import kernel (kernel/log.ts)",
      "kernel/log.ts: another package is imported by its name, not as ../adapters/big.ts",
      "kernel/pg.ts: kernel may not import npm:pg@8.23.1",
      "services/orders/http/route.ts: edge may not import storage (services/orders/storage/store.ts)",
      "services/orders/module.ts: service may not import storage (services/orders/storage/store.ts)",
      "services/users/domain/helpers.ts: another package is imported by its name, not as ../../../kernel/log.ts",
      "services/users/module.ts: service users may not import service orders (services/orders/module.ts)",
    ]);
    assertEquals(findCycle(toy.imports), [
      "services/orders/storage/store.ts",
      "services/orders/storage/loop.ts",
      "services/orders/storage/store.ts",
    ]);
    assertEquals((await judgeFiles(toy, toyRoot)).toSorted(), [
      "cli/CamelCase.ts: is not named in snake_case",
      "cli/long.ts: is longer than 400 lines",
      "console/part.svelte: uses console",
      "services/orders/domain/order.ts: a domain may not use Date.now",
      "services/orders/module.ts: uses console",
      "services/users/domain/helpers.ts: is named after nothing",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file outside every layer is a breach", () => {
  assertEquals(judgeFile("elsewhere/a.ts", ""), [
    "elsewhere/a.ts: belongs to no layer",
  ]);
});
