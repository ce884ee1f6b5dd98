/** The resource server as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { identitySettings, rsService } from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";

if (import.meta.main) {
  await start(
    identitySettings("rs"),
    (config) => [rsService(config, postgresDatabase)],
    { about: "Serves what tokens are for, and the status of every service." },
  );
}
