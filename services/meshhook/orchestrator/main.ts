/** A worker of MeshHook's as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { meshhookSettings, orchestratorService } from "@mainstay/meshhook";
import { postgresDatabase } from "@mainstay/meshhook/storage";

if (import.meta.main) {
  await start(
    meshhookSettings,
    (config) => [orchestratorService(config, postgresDatabase)],
    { about: "Runs the workflows of MeshHook." },
  );
}
