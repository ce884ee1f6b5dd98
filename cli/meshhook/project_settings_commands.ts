import type { ProjectSettings } from "@mainstay/meshhook";
import { defineCommand } from "../command.ts";
import { NotThere } from "../identity/not_there.ts";
import { operator } from "../identity/operator.ts";
import { onlyArgument } from "../identity/paging.ts";
import { UsageError } from "../usage_error.ts";
import { openMigratedMeshhook } from "./open_meshhook.ts";

/** What PostgreSQL's integer holds. */
const MOST = 2 ** 31 - 1;

/** `mainstay meshhook projects show`. */
export const showProject = defineCommand({
  name: "show",
  summary: "Show a project with its limits",
  help: "Shows a project: its API keys by name, and what it is held to.",
  usage: "<project>",
  async run({ args }, io) {
    const id = onlyArgument(args, "the id of a project");
    await using meshhook = await openMigratedMeshhook();
    const project = await meshhook.storage.projects.find(id);
    if (project === undefined) throw new NotThere("show", `project ${id}`);
    const { name, createdAt, keys, settings } = project;
    io.emit(project);
    io.print(`Project:  ${id}, ${name}`);
    io.print(`Made:     ${createdAt.toISOString()}`);
    io.print(`Keys:     ${keys.join(" ") || "none"}`);
    io.print(`Limits:   ${describeSettings(settings)}`);
  },
});

/** `mainstay meshhook projects set`. */
export const setProject = defineCommand({
  name: "set",
  summary: "Change how much a project may do at once, and what it keeps",
  help:
    `Changes the limits of a project that are given, and leaves the others. They hold
at once, without a restart: for steps that are claimed and webhooks that come from
now on. Runs that ended longer ago than the new --runs-days are removed within an
hour, and there is no way back. The change is in the project's audit.`,
  usage: "<project>",
  examples: [
    "mainstay meshhook projects set shop --max-concurrency 200 --max-host-concurrency 50",
    "mainstay meshhook projects set shop --webhooks-per-minute default --runs-days 90",
  ],
  options: {
    "max-concurrency": {
      type: "string",
      value: "<number>",
      description: "Steps in hand at once, of all workers together; 1 or more",
    },
    "max-host-concurrency": {
      type: "string",
      value: "<number>",
      description: "Calls of one host at once; 1 or more",
    },
    "webhooks-per-minute": {
      type: "string",
      value: "<number>",
      description:
        "Webhooks that each server takes: 0 for no limit, default for WEBHOOK_RATE_LIMIT",
    },
    "runs-days": {
      type: "string",
      value: "<number>",
      description: "Days that runs are kept after their end, 1 to 36500",
    },
  },
  async run({ options, args }, io) {
    const projectId = onlyArgument(args, "the id of a project");
    const settings = readSettings(options);
    await using meshhook = await openMigratedMeshhook();
    const { projects } = meshhook.storage;
    const change = { projectId, settings, actor: operator() };
    const project = await projects.set(change)
      ? await projects.find(projectId)
      : undefined;
    if (project === undefined) {
      throw new NotThere("change the limits", `project ${projectId}`);
    }
    io.emit(project);
    io.print(`${projectId}: ${describeSettings(project.settings)}`);
  },
});

/** For a line. */
export function describeSettings(settings: ProjectSettings): string {
  const { webhooksPerMinute: webhooks } = settings;
  const taken = webhooks === null
    ? "webhooks as the servers are set"
    : webhooks === 0
    ? "webhooks without limit"
    : `${webhooks} webhooks a minute`;
  return `${settings.maxConcurrency} steps at once, ${settings.maxHostConcurrency} calls of a host, ${taken}, runs kept ${+settings
    .runsDays.toFixed(2)} days`;
}

/** @throws {UsageError} With every mistake, a line each. */
function readSettings(
  options: Readonly<Record<string, string | undefined>>,
): Partial<ProjectSettings> {
  const mistakes: string[] = [];
  const settings: {
    -readonly [Name in keyof ProjectSettings]?: number | null;
  } = {};
  function read(
    name: keyof ProjectSettings,
    option: string,
    [least, most]: readonly [number, number],
    otherwise = "",
  ): void {
    const text = options[option];
    if (text === undefined) return;
    const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
    if (otherwise !== "" && text === otherwise) settings[name] = null;
    else if (number >= least && number <= most) settings[name] = number;
    else {
      mistakes.push(
        `--${option} "${text}": expected a whole number from ${least} to ${most}${
          otherwise && `, or ${otherwise}`
        }`,
      );
    }
  }
  read("maxConcurrency", "max-concurrency", [1, MOST]);
  read("maxHostConcurrency", "max-host-concurrency", [1, MOST]);
  read("webhooksPerMinute", "webhooks-per-minute", [0, MOST], "default");
  read("runsDays", "runs-days", [1, 36_500]);
  if (mistakes.length > 0) throw new UsageError(mistakes.join("\n"));
  if (Object.keys(settings).length === 0) {
    throw new UsageError("Nothing is given to change");
  }
  return settings as Partial<ProjectSettings>;
}
