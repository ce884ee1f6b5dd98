import type { Contender, Measurement } from "./measurement.ts";
import { processCpuMicros } from "./process_cpu.ts";

/** A program that runs until it is disposed. */
export interface ChildProgram extends AsyncDisposable {
  readonly pid: number;
  /** Sends a line and gives the program's next line. */
  ask(line: string): Promise<string>;
}

/** What is run, and the line that says it is ready. */
export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: its first line. */
  readonly readyLine?: RegExp;
}

/** The command of one of `bench/programs`. */
export function benchProgram(
  name: string,
  ...args: readonly string[]
): ProgramOptions {
  const file = new URL(`programs/${name}.ts`, import.meta.url).pathname;
  return {
    command: Deno.execPath(),
    args: ["run", "-A", "--no-prompt", file, ...args],
  };
}

/** Starts a program and waits until it is ready. */
export async function startProgram(
  { command, args, env = {}, readyLine = /./ }: ProgramOptions,
): Promise<ChildProgram> {
  const child = new Deno.Command(command, {
    args: [...args],
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
      if (done) {
        throw new Error(`Cannot measure: ${args.join(" ")} ended early`);
      }
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return line;
  };
  while (!readyLine.test(await readLine()));
  return {
    pid: child.pid,
    async ask(line) {
      await writer.write(new TextEncoder().encode(`${line}\n`));
      return await readLine();
    },
    async [Symbol.asyncDispose]() {
      await writer.close().catch(() => {});
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended at the end of its input.
      }
      while (!(await reader.read()).done);
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

/** A server, of one or more processes, that is measured from outside: rate by `load`, CPU by the kernel. */
export function servedBy(
  name: string,
  pids: readonly number[],
  load: () => Promise<
    { operations: number; rate: number; p50Ms: number; p99Ms: number }
  >,
): Contender {
  return {
    name,
    async round() {
      const used = () =>
        pids.reduce((sum, pid) => sum + processCpuMicros(pid), 0);
      const before = used();
      const { operations, rate, p50Ms, p99Ms } = await load();
      const cpuMicros = (used() - before) / operations;
      return { rate, cpuMicros, p50Ms, p99Ms };
    },
  };
}
