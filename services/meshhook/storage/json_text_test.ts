import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import fc from "fast-check";
import { jsonText } from "./json_text.ts";

Deno.test("jsonText() changes NULs and halves of pairs, and nothing else", () => {
  strictEqual(jsonText("a\0b"), '"a\\ufffdb"');
  strictEqual(
    jsonText("\ud83d\ude00 \ude00\ud83d"),
    '"\ud83d\ude00 \\ufffd\\ufffd"',
  );
  strictEqual(JSON.parse(jsonText("\\u0000")), "\\u0000");
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const plain = JSON.parse(JSON.stringify(value));
    const text = jsonText(plain);
    if (!JSON.stringify(plain).includes("\\u0000")) {
      assertEquals(JSON.parse(text), plain);
    }
  }));
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    strictEqual(JSON.parse(jsonText(text)), text.replaceAll("\0", "\uFFFD"));
  }));
});
