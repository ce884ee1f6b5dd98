import { OperationalError } from "@mainstay/kernel/errors";
import { z } from "zod";
import { defineCommand } from "../command.ts";
import { onlyArgument } from "../identity/paging.ts";
import {
  createMeshhookClient,
  PAGE_OPTIONS,
  SERVER_OPTIONS,
} from "./meshhook_client.ts";

/** What was printed is not all. */
class ExportCut extends OperationalError<"export-cut"> {
  constructor(project: string, options?: ErrorOptions) {
    super(
      "export-cut",
      `Cannot export all of ${project}: the server's answer was cut off`,
      options,
    );
  }
}

const entry = z.object({
  id: z.string(),
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
});

/** `mainstay meshhook projects audit`. */
export const auditCommand = defineCommand({
  name: "audit",
  summary: "List who did what in a project, the newest first",
  help:
    `Lists who made, changed and removed keys, secrets, members and limits, and each
reading of a secret by a step, with its run; the newest first. Asks a running
MeshHook.`,
  usage: "<project>",
  examples: ["mainstay meshhook projects audit shop --limit 20"],
  options: {
    ...SERVER_OPTIONS,
    ...PAGE_OPTIONS,
  },
  async run({ options, args }, io) {
    const project = onlyArgument(args, "the id of a project");
    const client = await createMeshhookClient({ ...options, project });
    const page = z.object({ entries: z.array(entry) }).parse(
      await client.json("GET", "audit", {
        query: { limit: options.limit, before: options.before },
      }),
    );
    io.emit(page);
    if (page.entries.length === 0) io.print("There are no entries");
    for (const { id, at, actor, action, subject } of page.entries) {
      io.print(`${id}  ${at}  ${action}  ${subject}  by ${actor}`);
    }
  },
});

/** `mainstay meshhook projects export`. */
export const exportCommand = defineCommand({
  name: "export",
  summary: "Print all of a project but its secrets",
  help:
    `Prints workflows, versions, hooks, and each run with its events, one JSON document
a line, as they come; no secret's value. Ends with 1 if that is not all. Asks a
running MeshHook. To be restored there is "mainstay meshhook backup".`,
  usage: "<project>",
  examples: ["mainstay meshhook projects export shop > shop.ndjson"],
  options: SERVER_OPTIONS,
  async run({ options, args }, io) {
    const project = onlyArgument(args, "the id of a project");
    const client = await createMeshhookClient({ ...options, project });
    const { body } = await client.send("GET", "export");
    let rest = "";
    try {
      for await (
        const text of body?.pipeThrough(new TextDecoderStream()) ?? []
      ) {
        const lines = `${rest}${text}`.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          io.emitLine(line);
          io.print(line);
        }
        if (io.abandoned) return 1;
      }
    } catch (failure) {
      throw new ExportCut(project, { cause: failure });
    }
    if (rest !== "") throw new ExportCut(project);
  },
});
