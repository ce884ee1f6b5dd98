/**
 * `deno task build:authz` (idp, rs, spa, meshhook, meshhook-worker): one file,
 * `./authz`, that runs a server.
 *
 * Compiled, where Deno's runtime for it can be downloaded: it then needs nothing
 * where it runs. Else, or with `--bundle`, and for a server that starts Deno itself,
 * a bundle with a launcher: it needs Deno, or Node with npx.
 *
 * @module
 */
import { IDENTITY_COMMANDS } from "../identity_commands.ts";
import { MESHHOOK_COMMANDS } from "../meshhook_commands.ts";
import { bundleServer } from "./bundle_server.ts";
import { compileServer } from "./compile_server.ts";
import { packServer } from "./pack_server.ts";

const COMMANDS = [...IDENTITY_COMMANDS, ...MESHHOOK_COMMANDS];

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const [name = "", ...options] = Deno.args;
  const bundleOnly = options.includes("--bundle");
  const server = COMMANDS.find(({ target }) => target === name);
  if (server === undefined || options.some((o) => o !== "--bundle")) {
    const names = COMMANDS.map(({ target }) => target);
    print(`Use: build ${names.join("|")} [--bundle]`);
    Deno.exit(2);
  }
  const file = new URL(`../../${name}`, import.meta.url).pathname;
  await using bundle = await bundleServer(server);
  const compiles = !bundleOnly && !server.startsDeno;
  if (compiles && await compileServer(server, { bundle, file, print })) {
    print(`Made ${file}: it needs nothing where it runs`);
  } else {
    await packServer(server, { bundle, file });
    print(`Made ${file}: it needs Deno, or Node with npx, where it runs`);
  }
}
