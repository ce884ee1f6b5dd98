/** An events service whose handlers do as each event asks. */
import { eventsService, eventsSettings, on } from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";
import { start } from "@mainstay/kernel/lifecycle";
import { z } from "zod";

const waiting = z.object({ ms: z.number() });

const handlers = [
  on(
    "task.wait",
    ({ data }) => new Promise<void>((resolve) => setTimeout(resolve, data.ms)),
    { schema: waiting },
  ),
  on("task.fail", () => {
    throw new Error("It cannot be done");
  }, { maxAttempts: 2 }),
  on("task.hang", () => new Promise<void>(() => {}), {
    maxAttempts: 1,
    timeoutMs: 100,
  }),
];

if (import.meta.main) {
  await start(eventsSettings, (config) => [
    eventsService(config, redisStorage, { handlers }),
  ]);
}
