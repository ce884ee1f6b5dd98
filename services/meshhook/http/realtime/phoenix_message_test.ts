import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "fast-check";
import {
  messageText,
  PHOENIX_VERSIONS,
  tryParseMessage,
} from "./phoenix_message.ts";

Deno.test("a message is read as it was written, in both versions", () => {
  const ref = fc.option(fc.string({ maxLength: 64 }));
  const message = fc.record({
    joinRef: ref,
    ref,
    topic: fc.string({ unit: "binary" }),
    event: fc.string({ unit: "binary" }),
    payload: fc.dictionary(fc.string(), fc.jsonValue()).map((value) =>
      JSON.parse(JSON.stringify(value))
    ),
  });
  fc.assert(fc.property(
    message,
    fc.constantFrom(...PHOENIX_VERSIONS),
    ({ payload, ...rest }, version) => {
      const payloadText = JSON.stringify(payload);
      assertEquals(
        tryParseMessage(
          messageText({ ...rest, payloadText }, version),
          version,
        ),
        { ...rest, payload },
      );
    },
  ));
});

Deno.test("tryParseMessage() takes any frame, and never throws", () => {
  const frame = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(fc.jsonValue(), { maxLength: 6 }).map((value) =>
      JSON.stringify(value)
    ),
    fc.uint8Array().map((bytes) => new Uint8Array([3, ...bytes]).buffer),
  );
  fc.assert(fc.property(
    frame,
    fc.constantFrom(...PHOENIX_VERSIONS),
    (given, version) => {
      tryParseMessage(given, version);
    },
  ));
});
