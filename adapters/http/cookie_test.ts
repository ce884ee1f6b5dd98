import { strictEqual, throws } from "node:assert/strict";
import { createCookie } from "./cookie.ts";

const carrying = (...cookies: string[]) => {
  const headers = new Headers();
  for (const cookie of cookies) headers.append("cookie", cookie);
  return { headers };
};

Deno.test("write() sets every attribute, and the prefix over TLS only", () => {
  const plain = createCookie("a", { secure: false, maxAgeMs: 1500 });
  strictEqual(
    plain.write("v"),
    "a=v; Max-Age=1; Path=/; HttpOnly; SameSite=Lax",
  );
  const tls = createCookie("a", { secure: true, sameSite: "Strict" });
  strictEqual(tls.name, "__Host-a");
  strictEqual(
    tls.clear(),
    "__Host-a=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure",
  );
});

Deno.test("createCookie() and write() refuse what could break out of the header", () => {
  for (const name of ["", "a b", "a;b", "a=b", "__Host-a", "ä"]) {
    throws(() => createCookie(name, { secure: false }), TypeError, name);
  }
  const cookie = createCookie("a", { secure: false });
  for (const value of ["a;b", "a b", 'a"', "a,b", "a\r\nb", "ü", "a\\"]) {
    throws(() => cookie.write(value), TypeError, value);
  }
});

Deno.test("read() finds the cookie among others, by its whole name", () => {
  const cookie = createCookie("a", { secure: false });
  strictEqual(cookie.read(carrying()), undefined);
  strictEqual(cookie.read(carrying("aa=1; b=a=2;A=3")), undefined);
  strictEqual(cookie.read(carrying("b=1; a=x=y; c=")), "x=y");
  strictEqual(cookie.read(carrying("b=1", "a=2")), "2");
  strictEqual(cookie.read(carrying("a=")), "");
  strictEqual(
    createCookie("a", { secure: true }).read(carrying("a=1")),
    undefined,
  );
});

Deno.test("read() takes no cookie that came twice, nor one that no one may set", () => {
  const cookie = createCookie("a", { secure: false });
  strictEqual(cookie.read(carrying("a=1; a=2")), undefined);
  strictEqual(cookie.read(carrying("a=1", "a=1")), undefined);
  strictEqual(cookie.read(carrying('a="1"')), undefined);
  strictEqual(cookie.read(carrying("a=1 2")), undefined);
});
