import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createLineWriter } from "./line_writer.ts";

function sink() {
  const calls: string[] = [];
  const decoder = new TextDecoder();
  return {
    calls,
    take(bytes: Uint8Array): number {
      calls.push(decoder.decode(bytes));
      return bytes.length;
    },
  };
}

/** The turn of the event loop in which what was gathered is written. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("lines of one turn are one write, made before the next turn", async () => {
  const { calls, take } = sink();
  const writer = createLineWriter(take);
  writer.write("a");
  writer.write("b");
  assertEquals(calls, []);
  await turn();
  assertEquals(calls, ["a\nb\n"]);
  writer.write("c");
  await turn();
  assertEquals(calls, ["a\nb\n", "c\n"]);
});

Deno.test("flush() writes at once, and once", async () => {
  const { calls, take } = sink();
  const writer = createLineWriter(take);
  writer.write("a");
  writer.flush();
  assertEquals(calls, ["a\n"]);
  await turn();
  assertEquals(calls, ["a\n"]);
});

Deno.test("what gathers is bounded", async () => {
  const { calls, take } = sink();
  const writer = createLineWriter(take);
  const line = "x".repeat(999);
  for (let i = 0; i < 1000; i++) writer.write(line);
  ok(calls.length > 10);
  ok(calls.every((call) => call.length <= 67_000));
  await turn();
  strictEqual(calls.join("").length, 1_000_000);
});

Deno.test("a write that takes a part is continued", () => {
  const { calls, take } = sink();
  const writer = createLineWriter((bytes) => take(bytes.subarray(0, 3)));
  writer.write("abcdefg");
  writer.flush();
  strictEqual(calls.join(""), "abcdefg\n");
});

Deno.test("a full pipe is tried again", () => {
  const { calls, take } = sink();
  let refusals = 3;
  const writer = createLineWriter((bytes) => {
    if (refusals-- > 0) {
      throw Object.assign(new Error("full"), { code: "EAGAIN" });
    }
    return take(bytes);
  });
  writer.write("a");
  writer.flush();
  assertEquals(calls, ["a\n"]);
});

Deno.test("a pipe that stays full loses its lines, and later ones are written", () => {
  const { calls, take } = sink();
  let full = true;
  const writer = createLineWriter((bytes) => {
    if (full) throw new Deno.errors.WouldBlock();
    return take(bytes);
  });
  writer.write("a");
  writer.flush();
  full = false;
  writer.write("b");
  writer.flush();
  assertEquals(calls, ["b\n"]);
});

Deno.test("a reader that is gone silences the writer", () => {
  let tries = 0;
  const writer = createLineWriter(() => {
    tries++;
    throw new Deno.errors.BrokenPipe();
  });
  for (const line of ["a", "b", "c"]) {
    writer.write(line);
    writer.flush();
  }
  strictEqual(tries, 1);
});
