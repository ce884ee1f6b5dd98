import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { companionKey, streamKeys } from "./stream_keys.ts";

Deno.test("streamKeys() keeps the stream's own name while there is one shard", () => {
  deepStrictEqual(streamKeys("event-stream", 1), ["event-stream"]);
  deepStrictEqual(streamKeys("event-stream", 2), [
    "event-stream:{0}",
    "event-stream:{1}",
  ]);
});

Deno.test("companionKey() stays in the hash slot of its stream", () => {
  strictEqual(companionKey("event-stream", "x"), "{event-stream}:x");
  strictEqual(companionKey("event-stream:{3}", "x"), "event-stream:{3}:x");
  strictEqual(companionKey("{tenant}:events", "x"), "{tenant}:events:x");
});
