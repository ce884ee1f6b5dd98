/** The events service as it is shipped; see README.md for one with handlers of your own. */
import { start } from "@mainstay/kernel/lifecycle";
import { eventsService, eventsSettings } from "@mainstay/events";
import { redisStorage } from "@mainstay/events/storage";

if (import.meta.main) {
  await start(
    eventsSettings,
    (config) => [eventsService(config, redisStorage)],
    { about: "Publishes, keeps and processes events in a Redis stream." },
  );
}
