/** The console's server as it is shipped. */
import { start } from "@mainstay/kernel/lifecycle";
import { identitySettings, spaService } from "@mainstay/identity";

if (import.meta.main) {
  await start(
    identitySettings("spa"),
    (config) => [spaService(config)],
    { about: "Serves the console, a single-page relying party." },
  );
}
