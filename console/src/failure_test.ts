import {
  deepStrictEqual as assertEquals,
  match,
  strictEqual,
} from "node:assert/strict";
import { asFailure, Failure, failureOf } from "./failure.ts";

const answer = (status: number, headers: HeadersInit = {}) => ({
  status,
  headers: new Headers(headers),
});

Deno.test("failureOf() says of each status what a person can do", () => {
  const kinds: Array<readonly [number, string, RegExp]> = [
    [401, "ended", /^Your sign-in has ended\. Sign in again/],
    [403, "refused", /^Cannot list: your sign-in does not include/],
    [404, "refused", /^Cannot list: it is not there any more/],
    [429, "busy", /Try again\.$/],
    [500, "busy", /Try again\.$/],
    [503, "busy", /Try again\.$/],
  ];
  for (const [status, kind, message] of kinds) {
    const failure = failureOf("list", answer(status), { instance: "r-1" });
    strictEqual(failure.kind, kind);
    match(failure.message, message);
    strictEqual(failure.reference, "r-1");
  }
  match(
    failureOf("list", answer(503, { "retry-after": "7" }), {}).message,
    /Try again in 7 s\.$/,
  );
});

Deno.test("failureOf() puts each mistake beside its field, the first of each", () => {
  const failure = failureOf("create", answer(400), {
    detail: "Cannot create the resource: it has mistakes",
    errors: [
      { pointer: "/name", detail: "Expected a name" },
      { pointer: "/name", detail: "Expected another" },
      { pointer: "/content/0", detail: "Expected a text" },
      { pointer: 1 },
      null,
    ],
  });
  strictEqual(
    failure.message,
    "Cannot create the resource: it has mistakes.",
  );
  assertEquals({ ...failure.fields }, {
    name: "Expected a name",
    content: "Expected a text",
  });
});

Deno.test("failureOf() believes nothing of a body", () => {
  for (const errors of [undefined, null, 1, "x", {}, [[]]]) {
    const failure = failureOf("create", answer(400), { detail: {}, errors });
    strictEqual(failure.message, "Cannot create.");
    assertEquals({ ...failure.fields }, {});
  }
});

Deno.test("asFailure() tells a defect from a failure, and shows nothing of it", () => {
  const failure = new Failure("busy", "Cannot");
  strictEqual(asFailure(failure), failure);
  match(asFailure(new TypeError("x is not")).message, /^Something went wrong/);
});
