import { commands } from "../../commands.ts";
import { runCommandLine } from "../../run_command_line.ts";

/** Of Deno, for a process of its own. */
export const MAIN = ["run", "-A", "cli/main.ts", "meshhook"];

/** What a command line came to. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** In this process, with these variables for as long as it takes. */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const names = Object.keys(env);
  const before = names.map((name) => Deno.env.get(name));
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  names.forEach((name) => set(name, env[name]));
  try {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCommandLine(commands, ["meshhook", ...args], {
      out: (line) => out.push(`${line}\n`) > 0,
      error: (line) => void err.push(`${line}\n`),
    });
    return { code, out: out.join(""), err: err.join("") };
  } finally {
    names.forEach((name, at) => set(name, before[at]));
  }
}

/** In a process of its own, for its standard input. */
export async function runApart(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string,
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...MAIN, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}
