import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { secretUse } from "../domain/hook.ts";
import type { StepContext } from "../domain/step_runner.ts";
import { stepValues } from "./step_values.ts";

Deno.test("mask() finds a secret as it is, and as JSON, URLs and Basic authentication write it", async () => {
  const encryption = createKeyEncryption([new Uint8Array(32)]);
  const secret = 'user:p"ss/word';
  const values = stepValues(
    {
      task: { projectId: "alpha", runId: "r", node: "n" },
      scope: {},
    } as unknown as StepContext,
    {
      encryption,
      expressions: {
        name: "expressions",
        evaluate: () => Promise.reject(new Error("unused")),
      },
      secrets: {
        read: (projectId, name) =>
          Promise.resolve(
            encryption.encrypt(
              new TextEncoder().encode(secret),
              secretUse(projectId, name),
            ),
          ),
      },
    },
  );
  const written = {
    plain: `it is ${secret}`,
    json: `{"got":${JSON.stringify(secret)}}`,
    url: `https://x.example/?q=${encodeURIComponent(secret)}`,
    basic: `Basic ${btoa(secret)}`,
  };
  assertEquals(values.mask(written), written, "it was not used yet");
  assertEquals(await values.render({ $secret: "token" }), secret);
  assertEquals(values.mask(written), {
    plain: "it is ***",
    json: '{"got":"***"}',
    url: "https://x.example/?q=***",
    basic: "Basic ***",
  });
});
