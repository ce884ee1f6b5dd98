import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { html } from "./html.ts";
import { pageResponse, seeOther } from "./page_response.ts";

const policyOf = (response: Response) =>
  response.headers.get("content-security-policy")!.split("; ");

Deno.test("pageResponse() lets a page do what it says and no more", async () => {
  const page = pageResponse(html`<p>${"<"}</p>`, {
    status: 400,
    cookies: ["a=1", "b=2"],
    formTargets: ["https://app.example", "com.example.app:"],
  });
  strictEqual(page.status, 400);
  strictEqual(await page.text(), "<p>&lt;</p>");
  deepStrictEqual(page.headers.getSetCookie(), ["a=1", "b=2"]);
  deepStrictEqual(policyOf(page), [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "form-action 'self' https://app.example com.example.app:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]);
  strictEqual(page.headers.get("cache-control"), "no-store");
  strictEqual(page.headers.get("x-frame-options"), "DENY");
  strictEqual(page.headers.get("referrer-policy"), "same-origin");
});

Deno.test("pageResponse() runs scripts only where it is told to", () => {
  const scripts = (page: Response) =>
    policyOf(page).filter((it) => /^(script|connect)-src/.test(it));
  deepStrictEqual(scripts(pageResponse(html``)), []);
  deepStrictEqual(scripts(pageResponse(html``, { scripts: true })), [
    "script-src 'self'",
    "connect-src 'self'",
  ]);
});

Deno.test("seeOther() sends on with GET, and is kept by no cache", () => {
  const response = seeOther(new URL("https://a.example/b?c"), ["d=e"]);
  strictEqual(response.status, 303);
  strictEqual(response.headers.get("location"), "https://a.example/b?c");
  strictEqual(response.headers.get("cache-control"), "no-store");
  deepStrictEqual(response.headers.getSetCookie(), ["d=e"]);
});
