import { OperationalError } from "@mainstay/kernel/errors";
import { readConfig } from "@mainstay/kernel/config";
import { groupList } from "@mainstay/contracts/events";
import { type CommandIo, defineCommand } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { auditSettings, auditStream } from "./audit_command.ts";
import {
  DRILL_STREAM,
  type DrillStage,
  openDrillStage,
} from "./drill_stage.ts";
import { createEventsClient, type EventsClient } from "./events_client.ts";

/** What is broken while events flow. */
const DRILLS: Readonly<Record<string, (stage: DrillStage) => Promise<void>>> = {
  "crash-redis": (stage) => stage.crashRedis(),
  "freeze-redis": (stage) => stage.freezeRedis(7_000),
  "crash-replica": (stage) => stage.crashReplica(),
  "stop-replica": (stage) => stage.stopReplica(),
};

const BATCH = 50;
const SETTLE_WITHIN_MS = 120_000;

interface DrillResult {
  readonly drill: string;
  readonly passed: boolean;
  readonly published: number;
  /** In the stream more or less often than once. */
  readonly surplus: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly seconds: number;
}

/** `mainstay events drill`. */
export const drillCommand = defineCommand({
  name: "drill",
  summary: "Break a private stack while events flow, and count",
  help:
    `Starts a Redis and two replicas of the service of its own, publishes events
with ids, breaks something halfway, and waits until all is processed. Then it
accounts for every entry: a drill passes if each event is in the stream exactly
once and was acknowledged, and none is lost. Touches nothing that runs already.

Drills: ${Object.keys(DRILLS).join(", ")}. Without a name, all of them, one
after the other: about a minute.`,
  usage: "[<drill>...]",
  examples: [
    "mainstay events drill",
    "mainstay events drill crash-redis --json",
  ],
  options: {
    events: {
      type: "string",
      value: "<number>",
      description: "Events of each drill, 100 to 100000; default 2000",
    },
  },
  async run({ options, args }, io) {
    const names = args.length === 0 ? Object.keys(DRILLS) : args;
    for (const name of names) {
      if (!Object.hasOwn(DRILLS, name)) {
        throw new UsageError(`There is no drill named ${name}`);
      }
    }
    const count = Number(options.events ?? "2000");
    if (!Number.isInteger(count) || count < 100 || count > 100_000) {
      throw new UsageError("--events needs a whole number from 100 to 100000");
    }
    const results: DrillResult[] = [];
    for (const name of names) {
      io.note(`${name} …`);
      const result = await runDrill(name, count, io);
      results.push(result);
      const { passed, published, acknowledged, surplus, lost, seconds } =
        result;
      io.print(
        `${
          passed ? "passed" : "FAILED"
        }  ${name}: ${published} published, ${acknowledged} acknowledged, ${surplus} twice, ${lost} lost, ${seconds} s`,
      );
    }
    const passed = results.every((result) => result.passed);
    io.emit({ passed, drills: results });
    return passed ? 0 : 1;
  },
});

async function runDrill(
  name: string,
  count: number,
  io: CommandIo,
): Promise<DrillResult> {
  const begunMs = performance.now();
  await using stage = await openDrillStage();
  const client = createEventsClient({
    "url": stage.url,
    "api-key-file": undefined,
  });
  let fault: Promise<void> | undefined;
  for (let from = 0; from < count; from += BATCH) {
    // Not awaited: publishing goes on while it is broken.
    if (from >= count / 2) fault ??= DRILLS[name]?.(stage);
    await publishUntilAccepted(client, from, Math.min(from + BATCH, count));
  }
  await fault;
  await waitUntilProcessed(client);
  const config = readConfig(auditSettings, {
    args: [],
    env: {
      ...DRILL_STREAM,
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: String(stage.redisPort),
    },
  });
  const audits = await auditStream(config, io);
  const sum = (of: (audit: (typeof audits)[number]) => number) =>
    audits.reduce((total, audit) => total + of(audit), 0);
  const added = sum((audit) => audit.added);
  const acknowledged = sum((audit) => audit.acknowledged);
  const lost = sum((audit) => audit.lostPending + audit.lostUndelivered) +
    Math.max(0, count - added);
  return {
    drill: name,
    passed: added === count && acknowledged === count && lost === 0 &&
      audits.every((audit) => audit.complete),
    published: count,
    surplus: Math.max(0, added - count),
    acknowledged,
    lost,
    seconds: Math.round((performance.now() - begunMs) / 100) / 10,
  };
}

/** Sends the same events again until they are taken: their ids make that safe. */
async function publishUntilAccepted(
  client: EventsClient,
  from: number,
  to: number,
): Promise<void> {
  const events = Array.from({ length: to - from }, (_, index) => ({
    event: "drill.step",
    aggregateId: `aggregate-${(from + index) % 97}`,
    data: { number: from + index },
    id: `drill-${from + index}`,
  }));
  await eventually(async () => {
    const answer = await client.json("POST", "events", {
      body: JSON.stringify(events),
      headers: { "content-type": "application/json" },
    }) as { readonly events: ReadonlyArray<{ readonly status: number }> };
    return answer.events.every(({ status }) => status === 202);
  });
}

function waitUntilProcessed(client: EventsClient): Promise<void> {
  return eventually(async () => {
    const { groups } = groupList.parse(await client.json("GET", "groups"));
    return groups.length > 0 &&
      groups.every(({ pending, lag }) => pending + lag === 0);
  });
}

/** The drill did not come to an end. */
class DrillStuck extends OperationalError<"drill-stuck"> {
  constructor(cause: unknown) {
    super(
      "drill-stuck",
      "Cannot finish the drill: the service did not recover",
      {
        cause,
      },
    );
  }
}

/** Refusals and lost connections are what a drill is for; only lasting ones end it. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await holds()) return;
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new DrillStuck(last);
}
