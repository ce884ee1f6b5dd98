/**
 * `deno task build:authz` (idp, rs, spa): one file, `./authz`, that runs a server.
 *
 * Compiled, where Deno's runtime for it can be downloaded: it then needs nothing
 * where it runs. Else, or with `--bundle`, a bundle with a launcher: it needs
 * Deno, or Node with npx.
 *
 * @module
 */
import type { IdentityServer } from "@mainstay/identity";
import { bundleServer } from "./bundle_server.ts";
import { compileServer } from "./compile_server.ts";
import { packServer } from "./pack_server.ts";

const SERVERS: readonly string[] = ["authz", "idp", "rs", "spa"];

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const [name = "", ...options] = Deno.args;
  const bundleOnly = options.includes("--bundle");
  if (!SERVERS.includes(name) || options.some((o) => o !== "--bundle")) {
    print(`Use: build ${SERVERS.join("|")} [--bundle]`);
    Deno.exit(2);
  }
  const server = name as IdentityServer;
  const file = new URL(`../../${server}`, import.meta.url).pathname;
  await using bundle = await bundleServer(server);
  if (!bundleOnly && await compileServer(server, { bundle, file, print })) {
    print(`Made ${file}: it needs nothing where it runs`);
  } else {
    await packServer(server, { bundle, file });
    print(`Made ${file}: it needs Deno, or Node with npx, where it runs`);
  }
}
