/** The authorization server as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { authzService, identitySettings } from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";

if (import.meta.main) {
  await start(
    identitySettings("authz"),
    (config) => [authzService(config, postgresDatabase)],
    { about: "Gives tokens to clients: OAuth 2.1 and OpenID Connect." },
  );
}
