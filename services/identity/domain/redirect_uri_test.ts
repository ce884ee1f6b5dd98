import { strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isRegisteredRedirectUri, redirectUriMistake } from "./redirect_uri.ts";

const REGISTERED = "https://app.example/cb";

const elsewhere = {
  "a prefix": "https://app.example/c",
  "a suffix": "https://app.example/cb2",
  "a trailing slash": "https://app.example/cb/",
  "a path below": "https://app.example/cb/x",
  "a subdomain": "https://x.app.example/cb",
  "the domain continued": "https://app.example.evil.example/cb",
  "a user in front": "https://app.example@evil.example/cb",
  "a user on it": "https://user@app.example/cb",
  "a fragment": "https://app.example/cb#",
  "a query": "https://app.example/cb?",
  "another case": "https://APP.example/cb",
  "another path's case": "https://app.example/CB",
  "an encoded slash": "https://app.example%2Fcb",
  "an encoded letter": "https://app.example/%63b",
  "a way round": "https://app.example/x/../cb",
  "an encoded way round": "https://app.example/x/%2e%2e/cb",
  "the default port": "https://app.example:443/cb",
  "another port": "https://app.example:8443/cb",
  "no TLS": "http://app.example/cb",
  "a backslash": "https://app.example\\@evil.example/cb",
  "a dot at the end": "https://app.example./cb",
  "space around": " https://app.example/cb",
  "a newline": "https://app.example/cb\n",
  "a script": "javascript:alert(1)//https://app.example/cb",
  "nothing": "",
};

for (const [name, uri] of Object.entries(elsewhere)) {
  Deno.test(`isRegisteredRedirectUri() takes no other: ${name}`, () => {
    strictEqual(isRegisteredRedirectUri(uri, [REGISTERED]), false);
  });
}

Deno.test("isRegisteredRedirectUri() takes what is registered and nothing near it", () => {
  fc.assert(fc.property(
    fc.webUrl({ withQueryParameters: true }),
    fc.nat(),
    fc.string({ minLength: 1, maxLength: 3, unit: "binary" }),
    (uri, at, change) => {
      strictEqual(isRegisteredRedirectUri(uri, [uri]), true);
      const place = at % (uri.length + 1);
      const other = uri.slice(0, place) + change + uri.slice(place);
      strictEqual(isRegisteredRedirectUri(other, [uri]), other === uri);
    },
  ));
});

Deno.test("isRegisteredRedirectUri() lets a loopback address have any port", () => {
  for (const host of ["127.0.0.1", "[::1]"]) {
    const registered = [`http://${host}/cb?a=b`];
    const takes = (uri: string) => isRegisteredRedirectUri(uri, registered);
    strictEqual(takes(`http://${host}:51004/cb?a=b`), true);
    strictEqual(takes(`http://${host}:1/cb?a=b`), true);
    strictEqual(takes(`http://${host}:0/cb?a=b`), false);
    strictEqual(takes(`http://${host}:65536/cb?a=b`), false);
    strictEqual(takes(`http://${host}:51004/cb`), false);
    strictEqual(takes(`http://${host}:51004/cb?a=b#c`), false);
    strictEqual(takes(`https://${host}:51004/cb?a=b`), false);
    strictEqual(takes(`http://${host}:1@evil.example/cb?a=b`), false);
    strictEqual(takes(`http://${host}:/cb?a=b`), false);
    strictEqual(takes(`http://${host}.evil.example/cb?a=b`), false);
    strictEqual(takes(`http://user@${host}:1/cb?a=b`), false);
  }
  const takes = (uri: string, registered: string) =>
    isRegisteredRedirectUri(uri, [registered]);
  strictEqual(takes("http://127.0.0.1:2/cb", "http://127.0.0.1:1/cb"), true);
  strictEqual(takes("http://[::1]:2/cb", "http://127.0.0.1:1/cb"), false);
  strictEqual(takes("http://127.0.0.2:2/cb", "http://127.0.0.2:1/cb"), false);
  strictEqual(takes("http://localhost:2/cb", "http://localhost:1/cb"), false);
  strictEqual(takes("http://127.1:2/cb", "http://127.0.0.1:2/cb"), false);
  strictEqual(takes("http://2130706433:2/cb", "http://127.0.0.1/cb"), false);
});

Deno.test("redirectUriMistake() says what may not be registered", () => {
  const good = [
    "https://app.example/cb",
    "https://app.example/cb?a=b",
    "http://127.0.0.1/cb",
    "http://[::1]:8080/cb",
    "http://localhost:8080/cb",
    "com.example.app:/cb",
  ];
  for (const uri of good) strictEqual(redirectUriMistake(uri), undefined, uri);
  const bad = [
    "/cb",
    "https://app.example/cb#a",
    "https://app.example/cb#",
    "http://app.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "https://user@app.example/cb",
    "https://*.app.example/cb",
    "https://app.example\\cb",
    "https://app.example/ü",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "app:/cb",
    "",
  ];
  for (const uri of bad) {
    strictEqual(typeof redirectUriMistake(uri), "string", uri);
  }
});
