/** The identity provider as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { identitySettings, idpService } from "@mainstay/identity";
import { postgresDatabase } from "@mainstay/identity/storage";

if (import.meta.main) {
  await start(
    identitySettings("idp"),
    (config) => [idpService(config, postgresDatabase)],
    { about: "Signs people in, and lets them decide what clients may have." },
  );
}
