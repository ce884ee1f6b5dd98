import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import { InvalidInput } from "@mainstay/kernel/errors";
import { postgresChangesFilter } from "@supabase/realtime-js";
import fc from "fast-check";
import { type LiveTable, parseLiveFilter } from "./live_filter.ts";

const ONE = "00000000-0000-4000-8000-000000000001";
const TWO = "00000000-0000-4000-8000-000000000002";
const parse = (text: string, table: LiveTable = "events") =>
  parseLiveFilter(table, text, "/filter");

Deno.test("parseLiveFilter() names the runs and the number to begin after", () => {
  assertEquals(parse(`run_id=eq.${ONE}`).runIds, [ONE]);
  assertEquals(parse(`run_id=in.(${ONE},${TWO})`).runIds, [ONE, TWO]);
  assertEquals(parse(`id=eq.${ONE}`, "runs").runIds, [ONE]);
  strictEqual(parse(`run_id=neq.${ONE}`).runIds, undefined);
  strictEqual(parse("").runIds, undefined);
  strictEqual(parse(`run_id=eq.${ONE},seq=gt.7`).afterSeq, 7);
  strictEqual(parse(`seq=gte.7,run_id=eq.${ONE}`).afterSeq, 6);
  strictEqual(parse(`run_id=eq.${ONE},seq=lt.7`).afterSeq, 0);
});

Deno.test("parseLiveFilter() reads what the stock client's builder writes", () => {
  const value = fc.string({ minLength: 1 });
  fc.assert(fc.property(value, value, fc.nat(1e6), (type, node, seq) => {
    const text = postgresChangesFilter().in("type", [type, "other"])
      .neq("node", node).lte("seq", seq).build();
    const { matches } = parse(text);
    ok(matches({ type, node: `${node}!`, seq }));
    ok(!matches({ type, node, seq }));
    ok(!matches({ type, node: `${node}!`, seq: seq + 1 }));
    strictEqual(
      matches({ type: `${type}!`, node: "", seq }),
      `${type}!` === "other" && node !== "",
    );
  }));
});

Deno.test("parseLiveFilter() takes any text, or says what is wrong with it", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `run_id=${rest}`),
    fc.string().map((rest) => `seq=gt.${rest}`),
    fc.string().map((rest) => `type=in.(${rest})`),
  );
  fc.assert(fc.property(text, (given) => {
    try {
      parse(given);
    } catch (failure) {
      ok(failure instanceof InvalidInput);
    }
  }));
});

Deno.test("parseLiveFilter() refuses a null, which no operator compares", () => {
  ok(!parse("node=neq.a").matches({ node: null }));
  throws(() => parse("constructor=eq.a"), InvalidInput);
  throws(() => parse("__proto__=eq.a"), InvalidInput);
  throws(() => parse("type=toString.a"), InvalidInput);
});
