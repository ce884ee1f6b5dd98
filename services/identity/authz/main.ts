/** The authorization server as it is shipped. */
import { backupModule } from "@mainstay/adapters/postgres";
import { start } from "@mainstay/kernel/lifecycle";
import { authzService, identitySettings } from "@mainstay/identity";
import {
  identityBackupSource,
  postgresDatabase,
} from "@mainstay/identity/storage";

if (import.meta.main) {
  await start(
    identitySettings("authz"),
    (config) => [
      authzService(config, postgresDatabase, {
        modules: [backupModule(config, identityBackupSource, config)],
      }),
    ],
    { about: "Gives tokens to clients: OAuth 2.1 and OpenID Connect." },
  );
}
