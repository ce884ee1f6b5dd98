import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import { describeChanges, summarize, titleOf } from "./status_words.ts";

const of = (...states: Array<"up" | "down" | "unknown">) =>
  states.map((state, at) => ({ name: ["authz", "idp", "mine"][at]!, state }));

Deno.test("summarize() puts the worst first, in one sentence", () => {
  assertEquals(summarize(of("up", "up")), {
    state: "up",
    text: "Every service is up",
  });
  assertEquals(summarize(of("up", "down", "unknown")), {
    state: "down",
    text: "Identity provider is down",
  });
  strictEqual(
    summarize(of("down", "down", "down")).text,
    "Authorization server, Identity provider and mine are down",
  );
  strictEqual(summarize(of("up", "unknown")).state, "unknown");
  strictEqual(summarize([]).state, "unknown");
});

Deno.test("describeChanges() says only what has changed", () => {
  strictEqual(describeChanges([], of("up", "down")), "");
  strictEqual(describeChanges(of("up"), of("up")), "");
  strictEqual(
    describeChanges(of("up", "down", "up"), of("down", "up", "unknown")),
    "Authorization server is down, Identity provider is up, mine is not known",
  );
});

Deno.test("titleOf() leaves an unknown name as it is", () => {
  strictEqual(titleOf("shop"), "shop");
});
