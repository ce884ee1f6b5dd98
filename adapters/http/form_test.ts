import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { InvalidInput } from "@mainstay/kernel/errors";
import { parseForm, readForm } from "./form.ts";

const read = (body: string | Uint8Array, type?: string) =>
  readForm(
    {
      headers: new Headers(type === undefined ? {} : { "content-type": type }),
    },
    {
      body: () =>
        Promise.resolve(
          typeof body === "string"
            ? new TextEncoder().encode(body)
            : new Uint8Array(body),
        ),
    },
  );

Deno.test("readForm() accepts forms in UTF-8 and nothing else", async () => {
  const form = "application/x-www-form-urlencoded";
  for (
    const type of [
      form,
      `${form};charset=UTF-8`,
      `${form.toUpperCase()} ; charset="utf-8"`,
    ]
  ) strictEqual((await read("a=1", type)).get("a"), "1");
  for (
    const type of [
      ...[undefined, "text/plain", "multipart/form-data; boundary=x"],
      ...[`${form}; charset=latin1`, `${form}, text/plain`, "application/json"],
    ]
  ) await rejects(read("a=1", type), { code: "unsupported-media-type" });
  await rejects(read(Uint8Array.of(0x61, 0x3d, 0xff), form), InvalidInput);
});

Deno.test("parseForm() tells what is missing, empty and repeated", () => {
  const form = parseForm("?a=1&b=&a=2&c&&=x&d=1%26=&toString=y");
  deepStrictEqual(form.names, ["a", "b", "c", "", "d", "toString"]);
  deepStrictEqual(form.repeated, ["a"]);
  deepStrictEqual(form.all("a"), ["1", "2"]);
  deepStrictEqual(form.all("b"), []);
  throws(() => form.get("a"), (failure) => {
    deepStrictEqual((failure as InvalidInput).errors, [
      { pointer: "a", detail: "must come once" },
    ]);
    return true;
  });
  deepStrictEqual(["b", "c", "nothing", "d", "toString"].map(form.get), [
    ...[undefined, undefined, undefined, "1&=", "y"],
  ]);
  deepStrictEqual(parseForm("").names, []);
  // A field that repeats nothing but emptiness is still repeated.
  deepStrictEqual(parseForm("a=&a=").repeated, ["a"]);
});

Deno.test("parseForm() refuses what cannot be read as it was meant", () => {
  for (const text of ["a=%", "a=%zz", "a=%ff", "%c3%28=1", "a=%00", "a%00=1"]) {
    throws(() => parseForm(text), InvalidInput, text);
  }
  throws(() => parseForm("a=1&".repeat(101)), InvalidInput);
  strictEqual(parseForm("a=1&".repeat(99)).all("a").length, 99);
});

Deno.test("parseForm() gives back what URLSearchParams wrote", () => {
  const text = fc.string({ unit: "binary" })
    .filter((it) => !it.includes("\0") && it.isWellFormed());
  fc.assert(
    fc.property(fc.dictionary(text, text, { maxKeys: 50 }), (fields) => {
      const form = parseForm(new URLSearchParams(fields).toString());
      for (const [name, value] of Object.entries(fields)) {
        strictEqual(form.get(name), value === "" ? undefined : value);
      }
    }),
  );
});
