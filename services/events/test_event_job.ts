import type { Schedule } from "@mainstay/kernel/config";
import type { Part } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { Cron } from "croner";
import type { EventLog } from "./domain/event_log.ts";
import { createTestEvent } from "./domain/test_event.ts";

/** What the job needs to know besides its schedule. */
export interface TestEventJobOptions {
  readonly service: string;
  /** Of cron expressions. */
  readonly timezone: string;
  readonly log: Logger;
}

/**
 * Publishes a test event on schedule. A run that takes longer than the interval
 * is not overlapped; failures are logged when they begin and when they end.
 */
export function testEventJob(
  events: EventLog,
  schedule: Schedule,
  { service, timezone, log }: TestEventJobOptions,
): Part {
  const own = log.child("test-event-job");
  let failing = false;
  let running: Promise<void> | undefined;
  let cancel: () => void = () => {};

  const publish = async () => {
    try {
      const event = createTestEvent("schedule", service, Date.now());
      const [result] = await events.append([event]);
      if (result?.ok === false) throw result.error;
      if (failing) own.info("Test events are published again");
      failing = false;
      own.debug("Test event published", { streamId: result?.receipt.streamId });
    } catch (error) {
      if (!failing) own.warn("Cannot publish test events", { error });
      failing = true;
    }
  };
  const run = () => {
    running ??= publish().finally(() => running = undefined);
  };

  return {
    name: "test-event-job",
    start() {
      if (schedule === "off") return;
      if ("cron" in schedule) {
        const job = new Cron(schedule.cron, { timezone }, run);
        cancel = () => job.stop();
      } else {
        const timer = setInterval(run, schedule.everyMs);
        cancel = () => clearInterval(timer);
      }
      own.info("Test events are scheduled", { schedule });
    },
    drain() {
      cancel();
      return running;
    },
    async stop() {
      cancel();
      await running;
    },
  };
}
