import { match, strictEqual as assertEquals } from "node:assert/strict";
import { rejects } from "node:assert/strict";
import { startProcess } from "./mod.ts";

const program = (code: string) => ["eval", code];

Deno.test("startProcess() captures output, signals, and tells the exit code", async () => {
  await using process = await startProcess(
    program(`
    Deno.addSignalListener("SIGTERM", () => Deno.exit(7));
    console.log("listening on", Deno.env.get("PLACE"));
    setInterval(() => {}, 1000);
  `),
    { env: { PLACE: "here" } },
  );
  const [, place] = await process.waitForOutput(/listening on (\w+)/);
  assertEquals(place, "here");
  process.kill("SIGTERM");
  assertEquals(await process.exited, 7);
});

Deno.test("waitForOutput() fails with all output when the process ends", async () => {
  await using process = await startProcess(
    program(`console.error("no config"); Deno.exit(2)`),
  );
  await rejects(
    process.waitForOutput(/ready/),
    (failure: Error) => {
      match(failure.message, /exited with 2[^]*no config/);
      return true;
    },
  );
});
