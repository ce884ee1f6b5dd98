import type { Contender, Measurement } from "./measurement.ts";
import { processCpuMicros } from "./process_cpu.ts";

/** A program of `bench/programs`, running until its stack is disposed. */
export interface ChildProgram extends AsyncDisposable {
  readonly pid: number;
  /** Sends a line and gives the program's next line. */
  ask(line: string): Promise<string>;
}

/** Starts a program and waits for its first line. */
export async function startProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProgram> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      new URL(`../${file}`, import.meta.url).pathname,
      ...args,
    ],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  const readLine = async (): Promise<string> => {
    while (!buffered.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Cannot measure: ${file} ended`);
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return line;
  };
  await readLine();
  return {
    pid: child.pid,
    async ask(line) {
      await writer.write(new TextEncoder().encode(`${line}\n`));
      return await readLine();
    },
    async [Symbol.asyncDispose]() {
      await writer.close().catch(() => {});
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      await reader.cancel();
      await child.status;
      clearTimeout(late);
    },
  };
}

/** A contender that measures itself (see `answerRounds`). */
export function selfMeasured(name: string, program: ChildProgram): Contender {
  return {
    name,
    round: async () => JSON.parse(await program.ask("go")) as Measurement,
  };
}

/** A server that is measured from outside: rate by `load`, CPU by the kernel. */
export function servedBy(
  name: string,
  pid: number,
  load: () => Promise<
    { operations: number; rate: number; p50Ms: number; p99Ms: number }
  >,
): Contender {
  return {
    name,
    async round() {
      const before = processCpuMicros(pid);
      const { operations, rate, p50Ms, p99Ms } = await load();
      const cpuMicros = (processCpuMicros(pid) - before) / operations;
      return { rate, cpuMicros, p50Ms, p99Ms };
    },
  };
}
