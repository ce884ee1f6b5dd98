import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { eventStream, type StreamEvent } from "./event_stream.ts";

function contextOf() {
  const leave = new AbortController();
  const drain = new AbortController();
  return { leave, drain, signal: leave.signal, draining: drain.signal };
}

/** Counts what is asked of it, and notes its end. */
function counter(limit = Infinity) {
  const state = { asked: 0, returned: false };
  const source = async function* (): AsyncGenerator<StreamEvent> {
    try {
      while (state.asked < limit) {
        state.asked++;
        yield { id: `${state.asked}`, data: "x" };
      }
    } finally {
      state.returned = true;
    }
  };
  return { state, source: source() };
}

/** Waits for ever, as a quiet stream does. */
function quiet() {
  const state = { returned: false };
  const source: AsyncIterable<StreamEvent> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        state.returned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { state, source };
}

Deno.test("eventStream() writes id, event and each line of data", async () => {
  const events = async function* () {
    yield { id: "1-0", event: "made", data: '{"a":1}' };
    yield { data: "one\ntwo\r\nthree\rfour" };
    yield { id: "2-0" };
  };
  const response = eventStream(events(), contextOf(), { retryMs: 500 });
  strictEqual(response.headers.get("content-type"), "text/event-stream");
  strictEqual(
    await response.text(),
    'retry: 500\n\nid: 1-0\nevent: made\ndata: {"a":1}\n\n' +
      "data: one\ndata: two\ndata: three\ndata: four\n\n" +
      "id: 2-0\n\n",
  );
});

Deno.test("eventStream() refuses an id that would end its field", async () => {
  const events = async function* () {
    yield { id: "1\ndata: forged", data: "x" };
  };
  let failure: unknown;
  await eventStream(events(), contextOf()).text().catch((e) => failure = e);
  ok(failure instanceof TypeError, String(failure));
});

Deno.test("eventStream() asks its source only as fast as it is read", async () => {
  const { state, source } = counter();
  const reader = eventStream(source, contextOf()).body!.getReader();
  for (let i = 0; i < 4; i++) await reader.read();
  await Promise.resolve();
  strictEqual(state.asked, 3);
  await reader.cancel();
  ok(state.returned);
});

Deno.test("eventStream() ends with a retry hint when its service drains", async () => {
  const context = contextOf();
  const { state, source } = quiet();
  const text = eventStream(source, context, { retryMs: 1000 }).text();
  context.drain.abort();
  const hints = (await text).match(/retry: \d+/g)!.map((hint) =>
    Number(hint.slice(7))
  );
  ok(hints.at(-1)! >= 1000 && hints.at(-1)! <= 2000, hints.join());
  ok(state.returned);
});

Deno.test("eventStream() opened while its service drains ends at once", async () => {
  const context = contextOf();
  context.drain.abort();
  match(await eventStream(quiet().source, context).text(), /^retry: \d+\n\n$/);
});

Deno.test("eventStream() lets go of its source when the client leaves", async () => {
  for (const how of ["signal", "cancel"] as const) {
    const context = contextOf();
    const { state, source } = quiet();
    const reader = eventStream(source, context).body!.getReader();
    await reader.read();
    const pending = reader.read().catch(() => {});
    await Promise.resolve();
    if (how === "signal") context.leave.abort();
    else await reader.cancel();
    await pending;
    ok(state.returned, how);
  }
});

Deno.test("eventStream() sends a comment through a silence", async () => {
  const context = contextOf();
  const response = eventStream(quiet().source, context, { heartbeatMs: 1 });
  const reader = response.body!.getReader();
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) {
    seen.push(new TextDecoder().decode((await reader.read()).value));
  }
  deepStrictEqual(seen.slice(1), [": \n\n", ": \n\n"]);
  await reader.cancel();
});
