import { strictEqual as assertEquals } from "node:assert/strict";
import { eventually, startProcess } from "@mainstay/adapters/testing";
import { superviseProcess } from "./supervised_process.ts";

/** Whether a process of this number is there and has not ended. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

const starter = `
import { superviseProcess } from "${import.meta.resolve("./mod.ts")}";
const { pid } = await superviseProcess({
  command: "/bin/sh",
  args: ["-c", 'trap "echo ended in order; exit 0" TERM; echo runs; while :; do sleep 0.1; done'],
  log: Deno.env.get("LOG"),
});
console.log("pid", pid);
setInterval(() => {}, 1000);
`;

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  Deno.test(`superviseProcess() ends the program in order after ${signal} of its starter`, async () => {
    const log = await Deno.makeTempFile();
    await using process = await startProcess(["eval", starter], {
      env: { LOG: log },
    });
    const [, pid] = await process.waitForOutput(/pid (\d+)/);
    await eventually(
      "it runs, and has said what it does at its end",
      async () => await Deno.readTextFile(log) === "runs\n",
    );
    assertEquals(isAlive(Number(pid)), true);
    process.kill(signal);
    await process.exited;
    await eventually("the program has ended", () => !isAlive(Number(pid)));
    assertEquals(await Deno.readTextFile(log), "runs\nended in order\n");
    await Deno.remove(log);
  });
}

Deno.test("superviseProcess() kills a program that does not obey", async () => {
  const log = await Deno.makeTempFile();
  const process = await superviseProcess({
    command: "/bin/sh",
    args: ["-c", 'trap "" TERM; echo deaf; while :; do sleep 0.1; done'],
    log,
    stopTimeoutSeconds: 1,
  });
  await eventually(
    "it runs",
    async () => await Deno.readTextFile(log) === "deaf\n",
  );
  await process.stop();
  assertEquals(await process.exited, 128 + 9);
  await Deno.remove(log);
});

Deno.test("superviseProcess() gives the program's own exit code", async () => {
  const process = await superviseProcess({
    command: "/bin/sh",
    args: ["-c", "exit 3"],
    log: "/dev/null",
  });
  assertEquals(await process.exited, 3);
  await process.stop();
});

Deno.test("superviseProcess() ends a predecessor that a crash left over", async () => {
  const folder = await Deno.makeTempDir();
  const command = {
    command: "/bin/sleep",
    args: ["1000"],
    log: "/dev/null",
    pidFile: `${folder}/sleep.pid`,
  };
  const first = await superviseProcess(command);
  const second = await superviseProcess(command);
  assertEquals(await first.exited, 128 + 15);
  assertEquals(isAlive(second.pid), true);
  await first.stop();
  await second.stop();
  await Deno.remove(folder, { recursive: true });
});
