import { deepStrictEqual, throws } from "node:assert/strict";
import { openApiDocument } from "./open_api_document.ts";
import { IDENTITY, OPTIONS, ROUTES } from "./tests/documented_routes.ts";

Deno.test("openApiDocument() has the routes with a doc, and all path parameters", () => {
  const { paths } = openApiDocument(IDENTITY, ROUTES, OPTIONS) as {
    paths: Record<string, Record<string, Record<string, unknown>>>;
  };
  deepStrictEqual(Object.keys(paths), [
    "/things/{id}/parts/{part}",
    "/things",
  ]);
  const parameters = paths["/things/{id}/parts/{part}"]!.get!
    .parameters as Array<{ name: string; required: boolean }>;
  deepStrictEqual(
    parameters.map(({ name, required }) => [name, required]),
    [["id", true], ["part", true], ["limit", false]],
  );
});

Deno.test("openApiDocument() refuses a security scheme that is not given", () => {
  throws(() => openApiDocument(IDENTITY, ROUTES), TypeError);
});
