import { ok as assert, strictEqual } from "node:assert/strict";
import { CONSOLE_PATHS } from "@mainstay/contracts/identity";
import fc from "fast-check";
import { pageOf, PAGES } from "./page_paths.ts";

Deno.test("pageOf() knows the pages, with a slash at their end too, and nothing else", () => {
  for (const path of Object.keys(PAGES)) {
    strictEqual(pageOf(path), path);
    strictEqual(pageOf(`${path}//`.replace("///", "//")), path);
  }
  fc.assert(fc.property(fc.string(), (text) => {
    const page = pageOf(text);
    assert(page === undefined || Object.hasOwn(PAGES, page));
  }));
  for (const path of ["", "/callback", "/__proto__", "constructor", "//evil"]) {
    strictEqual(pageOf(path), undefined, path);
  }
});

Deno.test("the server serves every page", () => {
  for (const path of Object.keys(PAGES)) {
    assert(CONSOLE_PATHS.some((served) => served === path), path);
  }
});
