/** MeshHook's server as it is shipped. */
import { backupModule } from "@mainstay/adapters/postgres";
import { start } from "@mainstay/kernel/lifecycle";
import { meshhookService, meshhookSettings } from "@mainstay/meshhook";
import {
  meshhookBackupSource,
  postgresDatabase,
} from "@mainstay/meshhook/storage";

if (import.meta.main) {
  await start(
    meshhookSettings,
    (config) => [
      meshhookService(config, postgresDatabase, {
        modules: [backupModule(config, meshhookBackupSource, config)],
      }),
    ],
    { about: "Takes in signed webhooks, and says how all of MeshHook is." },
  );
}
