import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { rejects } from "node:assert/strict";
import { InvalidInput } from "@mainstay/kernel/errors";
import { InvalidJson } from "./http_errors.ts";
import { parseJson, readJson } from "./read_json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("readJson() accepts JSON types and no other", async () => {
  const read = (type: string | null) =>
    readJson(
      { headers: new Headers(type === null ? {} : { "content-type": type }) },
      { body: () => Promise.resolve(bytes("[]")) },
    );
  for (
    const type of [
      "application/json",
      "Application/JSON; charset=utf-8",
      "application/cloudevents+json",
    ]
  ) deepStrictEqual(await read(type), []);
  for (const type of [null, "text/plain", "application/jsonp", "text/json"]) {
    await rejects(read(type), { code: "unsupported-media-type" });
  }
});

Deno.test("parseJson() says where JSON breaks, and never what it held", () => {
  const wrong = (text: string, message: RegExp) =>
    throws(() => parseJson(bytes(text)), (failure) => {
      ok(failure instanceof InvalidJson);
      ok(message.test(failure.message), failure.message);
      ok(!failure.message.includes("s3cret"));
      return true;
    });
  wrong('{"a": s3cret}', /character 6/);
  wrong('{"a": "s3cret"', /ends too early/);
  wrong('{"a": "s3cret', /ends too early/);
  wrong('{"a": "s3cret" "b": 1}', /character 15/);
  wrong('{"s3cret": tru3}', /character 14/);
  wrong('{"s3cret": -x}', /character 12/);
  wrong('{"s3cret": "\\q"}', /character 13/);
  wrong('["s3cret"]]', /character 10/);
  wrong(" ".repeat(70_000) + "s3cret", /is no JSON$/);
  wrong("", /is empty/);
  throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)), InvalidJson);
});

Deno.test("parseJson() bounds nesting", () => {
  const nested = (depth: number) =>
    bytes("[".repeat(depth) + "]".repeat(depth));
  parseJson(nested(32));
  throws(() => parseJson(nested(33)), InvalidInput);
  throws(() => parseJson(nested(100_000)), InvalidInput);
  throws(() => parseJson(bytes('{"a":{"b":{}}}'), { maxDepth: 2 }), (e) => {
    ok(e instanceof InvalidInput);
    deepStrictEqual(e.errors[0]?.pointer, "/a/b");
    return true;
  });
});

Deno.test("parseJson() refuses __proto__ however it is written", () => {
  for (
    const text of ['{"a":[{"__proto__":{}}]}', '{"\\u005f_proto__":1}']
  ) throws(() => parseJson(bytes(text)), InvalidInput);
  deepStrictEqual(parseJson(bytes('{"proto":1}')), { proto: 1 });
});
