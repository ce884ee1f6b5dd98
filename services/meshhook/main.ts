/** MeshHook's server as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { meshhookService, meshhookSettings } from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";

if (import.meta.main) {
  await start(
    meshhookSettings,
    (config) => [meshhookService(config, postgresDatabase)],
    { about: "Takes in signed webhooks, and says how all of MeshHook is." },
  );
}
