import { findTool } from "@mainstay/tools/local_stack";

const tool = await findTool("promtool", "prometheus");

/** Whether Prometheus' own checker is to be had here. */
export const hasPromtool = tool !== undefined;

/** Runs it with `input` on its standard input. */
export async function promtool(
  args: readonly string[],
  input = "",
): Promise<{ readonly code: number; readonly said: string }> {
  const child = new Deno.Command(tool?.path ?? "", {
    args: [...args],
    env: tool?.env ?? {},
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}
