import { match, strictEqual } from "node:assert/strict";
import { dumpSchemas } from "@mainstay/tools/schema_dumps";

Deno.test("the schemas written down are what the migrations make", async () => {
  for (const { path, text } of await dumpSchemas()) {
    const file = new URL(`../${path}`, import.meta.url);
    strictEqual(await Deno.readTextFile(file), text, path);
    match(text, /CREATE TABLE/);
  }
});
