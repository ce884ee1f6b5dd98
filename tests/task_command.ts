import { readFileSync } from "node:fs";

const FILE = new URL("../deno.json", import.meta.url);

/**
 * What `deno` is given by a task that runs a service: permissions and all, without
 * the telemetry that its environment may turn on.
 */
export function taskCommand(task: string): readonly string[] {
  const { tasks } = JSON.parse(readFileSync(FILE, "utf8"));
  const [, command = ""] = tasks[task].command.split(" && deno ");
  return command.replaceAll("$DENO", Deno.execPath()).split(/\s+/);
}
