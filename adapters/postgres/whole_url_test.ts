import { match, strictEqual, throws } from "node:assert/strict";
import { wholeUrl } from "./whole_url.ts";

Deno.test("wholeUrl() leaves what is whole as it is", () => {
  const url = "postgres://app:a%40b@db:6543/x?sslmode=require";
  strictEqual(wholeUrl(url), url);
});

Deno.test("wholeUrl() adds what is left out", () => {
  match(
    wholeUrl("postgres://app@db"),
    /^postgres:\/\/app@db\/app\?port=5432&password=[0-9a-f-]{36}$/,
  );
  match(
    wholeUrl("postgres:///x?user=app&host=/run/postgresql"),
    /^postgres:\/\/\/x\?user=app&host=%2Frun%2Fpostgresql&port=5432&password=/,
  );
});

Deno.test("wholeUrl() refuses what names no user, without repeating it", () => {
  throws(
    () => wholeUrl("postgres://:hunter2@db/x"),
    (error) => error instanceof TypeError && !error.message.includes("hunter2"),
  );
  throws(() => wholeUrl("postgres://db/x"), TypeError);
});
