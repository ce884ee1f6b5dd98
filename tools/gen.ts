/**
 * `deno task gen`: writes the files that are derived from the code.
 *
 * @module
 */
import { dirname } from "node:path";
import { generateFiles } from "./generated_files.ts";
import { dumpSchemas } from "./schema_dumps.ts";
import { checkout } from "./local_stack/mod.ts";

if (import.meta.main) {
  const files = [await generateFiles(), await dumpSchemas()].flat();
  for (const { path, text } of files) {
    const file = `${checkout}/${path}`;
    const before = await Deno.readTextFile(file).catch(() => "");
    if (before === text) continue;
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
    Deno.stdout.writeSync(new TextEncoder().encode(`Wrote ${path}\n`));
  }
}
