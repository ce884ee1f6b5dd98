import type { NumberedEventBody } from "@mainstay/contracts/meshhook";
import type { CommandIo } from "../command.ts";

const DETAIL = 120;
const COLUMN = 14;

/** Prints one event of a run as a line: when, how long after the first, what. */
export function printRunEvent(
  { seq, atMs, event }: NumberedEventBody,
  { startedAtMs, io }: { readonly startedAtMs: number; readonly io: CommandIo },
): void {
  io.emitLine(JSON.stringify({ seq, atMs, event }));
  const [what, status, detail = ""] = told(event);
  const after = `+${Math.max(0, Math.round(atMs - startedAtMs))} ms`;
  io.print(
    `${timeOf(atMs)}  ${after.padStart(9)}  ${what.padEnd(COLUMN)}  ${
      status.padEnd(9)
    }  ${shortened(detail)}`.trimEnd(),
  );
}

function told(
  event: NumberedEventBody["event"],
): readonly [what: string, status: string, detail?: string] {
  switch (event.type) {
    case "run.started":
      return ["run", "started", JSON.stringify(event.trigger.body)];
    case "step.succeeded":
      return [event.node, "succeeded", JSON.stringify(event.output)];
    case "step.failed": {
      const { node, attempt, error, retryAtMs } = event;
      const next = retryAtMs === undefined
        ? "given up"
        : `again at ${timeOf(retryAtMs)}`;
      const detail = `attempt ${attempt}: ${error.message}; ${next}`;
      return [node, "failed", detail];
    }
    case "run.succeeded":
      return ["run", "succeeded"];
    case "run.failed":
      return ["run", "failed", `${event.node}: ${event.error.message}`];
    case "run.cancelled":
      return ["run", "cancelled", `by ${event.by}`];
    case "run.resumed":
      return ["run", "resumed", `from ${event.from}, by ${event.by}`];
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, -1);
}

function shortened(text: string): string {
  return text.length > DETAIL ? `${text.slice(0, DETAIL)}…` : text;
}
