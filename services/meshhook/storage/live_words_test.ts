import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import fc from "fast-check";
import { advanceWords, parseLiveWord } from "./live_words.ts";

Deno.test("advanceWords() splits what no notification holds, and loses none", () => {
  const advance = fc.record({
    projectId: fc.string({ unit: "binary", maxLength: 100 }),
    runId: fc.uuid(),
    from: fc.nat(),
    to: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(advance, { maxLength: 300 }), (advances) => {
      const words = advanceWords(advances);
      for (const word of words) {
        ok(new TextEncoder().encode(word).length < 8_000);
      }
      const told = words.flatMap((word) => {
        const parsed = parseLiveWord(word);
        return parsed !== undefined && "runs" in parsed ? parsed.runs : [];
      });
      assertEquals(
        told,
        advances.map(({ projectId, runId, from, to }) => [
          projectId,
          runId,
          from,
          to,
        ]),
      );
    }),
    { numRuns: 50 },
  );
  for (const payload of ["", "{", "7", "null"]) {
    assertEquals(parseLiveWord(payload), undefined);
  }
});
