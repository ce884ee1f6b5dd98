import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { readMigrations } from "@mainstay/adapters/postgres";
import { generateFiles, metricsPage } from "@mainstay/tools/generated_files";
import { globSync } from "node:fs";

const root = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

Deno.test("generated files are as `deno task gen` writes them", async () => {
  const stale: string[] = [];
  for (const { path, text } of await generateFiles()) {
    if (await read(path).catch(() => "") !== text) stale.push(path);
  }
  assertEquals(stale, []);
});

Deno.test("a metric has a row with its type, its services and its help", () => {
  const both = "# HELP a_total As.\n# TYPE a_total counter\n";
  const page = metricsPage([
    { name: "x", metrics: both },
    {
      name: "y",
      metrics: `${both}# HELP b_total Bs.\n# TYPE b_total counter\n`,
    },
  ]);
  strictEqual(page.includes("| `a_total` | counter | all | As. |"), true);
  strictEqual(page.includes("| `b_total` | counter | y | Bs. |"), true);
});

Deno.test("migrations are numbered from 1, without a gap or a double", async () => {
  const folders = globSync("services/*/storage/migrations", {
    cwd: root.pathname,
  });
  strictEqual(folders.length > 1, true);
  for (const folder of folders) {
    const migrations = await readMigrations(new URL(`${folder}/`, root));
    assertEquals(
      migrations.map(({ version }) => version),
      migrations.map((_, at) => at + 1),
      folder,
    );
  }
});
