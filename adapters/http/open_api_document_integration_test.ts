import { ok, strictEqual } from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "./open_api_document.ts";
import { IDENTITY, OPTIONS, ROUTES } from "./tests/documented_routes.ts";

// The validator reads its schemas from files.
Deno.test("openApiDocument() is a valid OpenAPI 3.1 document", async () => {
  const document = openApiDocument(IDENTITY, ROUTES, OPTIONS);
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  ok(result.valid, JSON.stringify(result.errors, null, 1));
  strictEqual(validator.version, "3.1");
  const broken = { ...document, paths: { things: {} } };
  strictEqual((await new Validator().validate(broken)).valid, false);
});
