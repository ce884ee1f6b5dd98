import { deepStrictEqual as assertEquals, match } from "node:assert/strict";
import { captureLogger } from "@mainstay/adapters/testing";
import { createFakeClock } from "@mainstay/kernel/lifecycle";
import { createMetrics } from "@mainstay/kernel/metrics";
import { createHostGate } from "./host_gate.ts";

const ALPHA = { projectId: "alpha", host: "api.example" };
const BETA = { projectId: "beta", host: "api.example" };

Deno.test("call() leaves a host alone after five faults, for that project, and says so once", async () => {
  const clock = createFakeClock();
  const log = captureLogger();
  const metrics = createMetrics({
    identity: { name: "worker", version: "1.0.0", environment: "test" },
  });
  const gate = createHostGate({ clock, log, metrics });
  const states = async () => (await metrics.expose()).body;
  const call = (called: typeof ALPHA, answer: string) =>
    gate.call(
      called,
      () => Promise.resolve(answer),
      (given) => given === "fault",
    );
  const faults = await Promise.all(
    Array.from({ length: 8 }, () => call(ALPHA, "fault")),
  );
  assertEquals(faults, Array(8).fill("fault"));
  assertEquals(gate.heldMs(ALPHA), 30_000);
  assertEquals(await call(ALPHA, "well"), { heldMs: 30_000 });
  assertEquals(await call(BETA, "well"), "well");
  match(await states(), /meshhook_host_breakers\{state="open"\} 1\n/);
  match(await states(), /meshhook_host_breakers\{state="closed"\} 1\n/);

  await clock.advance(30_000);
  assertEquals(await call(ALPHA, "well"), "well");
  match(await states(), /meshhook_host_breakers\{state="closed"\} 2\n/);
  assertEquals(
    log.lines.map(({ message, fields }) => [message, fields?.["host"]]),
    [
      ["A host fails, and is left alone for a while", "api.example"],
      ["A host answers again", "api.example"],
    ],
  );
});
