import { strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { html, type HtmlValue } from "./html.ts";

const filled = (parts: TemplateStringsArray, ...values: HtmlValue[]) =>
  `${html(parts, ...values)}`;

Deno.test("html escapes text, in elements and in attributes", () => {
  const evil = `"><script>alert('&')</script>`;
  const safe = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;";
  strictEqual(filled`<p>${evil}</p>`, `<p>${safe}</p>`);
  strictEqual(filled`<p title="${evil}">`, `<p title="${safe}">`);
  strictEqual(filled`<a href="/x?y=${evil}">`, `<a href="/x?y=${safe}">`);
});

Deno.test("html escapes once, joins lists and leaves out what is not there", () => {
  const items = ["a<", "b"].map((item) => html`<li>${item}</li>`);
  strictEqual(
    filled`<ul>${items}</ul>${undefined}${false}${0}${""}`,
    "<ul><li>a&lt;</li><li>b</li></ul>0",
  );
  strictEqual(
    filled`<input ${html`checked`} ${false} name="a">`,
    '<input checked  name="a">',
  );
});

Deno.test("html lets no value become a script", () => {
  for (
    const url of [
      ...["javascript:alert(1)", "JAVASCRIPT:1", " javascript:1", "data:x"],
      ...[
        "//evil.example",
        "vbscript:1",
        "java\nscript:1",
        "\u0001javascript:1",
      ],
    ]
  ) strictEqual(filled`<a href="${url}">`, '<a href="about:blank">', url);
  for (const url of ["https://a.example/?b", "/a", "#a", "?a", "otpauth://t"]) {
    strictEqual(filled`<a href="${url}">`, `<a href="${url}">`);
  }
});

Deno.test("html refuses values where escaping does not help", () => {
  const at = "x";
  for (
    const unsafe of [
      () => html`<p title=${at}>`,
      () => html`<p title='${at}'>`,
      () => html`<p ${at}>`,
      () => html`<p ${1}>`,
      () => html`<p a${at}="b">`,
      () => html`<${at}>`,
      () => html`<script>${at}</script>`,
      () => html`<style>${at}</style>`,
      () => html`<p onclick="${at}">`,
      () => html`<p class="a" style="color: ${at}">`,
      () => html`<iframe srcdoc="${at}">`,
      () => html`<!-- ${html`a`} -->`,
      () => html`<!--${at}-->`,
    ]
  ) throws(unsafe, TypeError);
});

Deno.test("html knows the end of a tag from a > in an attribute", () => {
  strictEqual(
    filled`<p title="a > b" class="${"c"}"><script>1 < 2</script>${"d"}</p>`,
    '<p title="a > b" class="c"><script>1 < 2</script>d</p>',
  );
});

Deno.test("html leaves nothing in a text that could begin a tag or end an attribute", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const inside = filled`<p title="${text}">`.slice(10, -2);
      strictEqual(/[<>"']/.test(inside), false);
    }),
  );
});
