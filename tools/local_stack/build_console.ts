import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { dirname } from "node:path";
import { lockFile } from "./file_lock.ts";
import { StackUnavailable } from "./stack_unavailable.ts";
import { checkout, stateFolder } from "./state_folder.ts";

/** What the console is made of, besides packages. */
const SOURCES = ["console/**/*", "contracts/identity_contract.ts"];

/** What the build and the console itself import. */
const PACKAGES = [
  "@sveltejs/vite-plugin-svelte",
  "oidc-client-ts",
  "svelte",
  "vite",
  "zod",
];

/**
 * Builds the console into `.mainstay/console/dist`, unless it was built from
 * the same sources and versions before: then it takes some milliseconds.
 *
 * Vite finds packages in a `node_modules` only, and the project has none: the
 * sources are built in a folder that has its own. Versions are those of the
 * project's `deno.json` and `deno.lock`; no package's scripts are run. Several
 * processes may call it at once: one builds, the others wait.
 *
 * @param report Told before something is built.
 * @returns The folder of the built files.
 * @throws {StackUnavailable} If a package cannot be had, or the sources are wrong.
 */
export async function buildConsole(
  report: (line: string) => void = () => {},
): Promise<string> {
  const home = await stateFolder("console");
  const dist = `${home}/dist`;
  const stamp = await stampOf();
  if (await isBuilt(dist, stamp)) return dist;
  using _lock = await lockFile(`${home}/build.lock`);
  if (await isBuilt(dist, stamp)) return dist;

  report("Building the console");
  const work = `${home}/work`;
  await layOutConsole(work, PACKAGES);
  const draft = `${home}/dist.new`;
  await deno(`${work}/console`, [
    "run",
    "-A",
    "npm:vite",
    "build",
    "--config",
    "vite_config.ts",
    "--outDir",
    draft,
    "--emptyOutDir",
  ]);
  await Deno.writeTextFile(`${draft}/${STAMP}`, stamp);
  await Deno.remove(dist, { recursive: true }).catch(() => {});
  await Deno.rename(draft, dist);
  return dist;
}

/** Beside the built files, and served by nobody: its name begins with a dot. */
const STAMP = ".stamp";

async function isBuilt(dist: string, stamp: string): Promise<boolean> {
  const found = await Deno.readTextFile(`${dist}/${STAMP}`).catch(() => "");
  return found === stamp;
}

/** Changes with everything that the built files depend on. */
async function stampOf(): Promise<string> {
  const hash = createHash("sha256");
  hash.update(
    `${Deno.version.deno}\n${JSON.stringify(await configOf(PACKAGES))}\n`,
  );
  for (const file of sources()) {
    const bytes = await Deno.readFile(`${checkout}/${file}`);
    hash.update(`${file}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

function sources(): string[] {
  return globSync(SOURCES, { cwd: checkout, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      `${parentPath}/${name}`.slice(checkout.length + 1)
    )
    .filter((file) => !/_test\.ts$|\/deno\.json$/.test(file))
    .toSorted();
}

/**
 * Lays the console's sources out in a folder with a `node_modules` of its own.
 *
 * @param packages What is to be in it, by the names of the project's `deno.json`.
 * @throws {StackUnavailable} If a package cannot be had.
 */
export async function layOutConsole(
  folder: string,
  packages: readonly string[],
): Promise<void> {
  for (const old of ["console", "contracts"]) {
    await Deno.remove(`${folder}/${old}`, { recursive: true }).catch(() => {});
  }
  for (const file of sources()) {
    await Deno.mkdir(dirname(`${folder}/${file}`), { recursive: true });
    await Deno.copyFile(`${checkout}/${file}`, `${folder}/${file}`);
  }
  const config = JSON.stringify(await configOf(packages));
  await Deno.writeTextFile(`${folder}/deno.json`, config);
  // What it says of other packages is dropped there; what it says of these holds.
  await Deno.copyFile(`${checkout}/deno.lock`, `${folder}/deno.lock`);
  await deno(folder, ["install", "--quiet"]);
}

async function configOf(packages: readonly string[]) {
  const { imports, unstable } = JSON.parse(
    await Deno.readTextFile(`${checkout}/deno.json`),
  ) as { imports: Record<string, string>; unstable: string[] };
  return {
    nodeModulesDir: "auto",
    imports: Object.fromEntries(packages.map((name) => [name, imports[name]])),
    unstable,
  };
}

async function deno(cwd: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", NODE_ENV: "production" },
    stdin: "null",
  }).output();
  if (success) return;
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  throw new StackUnavailable(
    `Cannot build the console: ${
      [decode(stdout), decode(stderr)].filter(Boolean).join("\n")
    }`,
  );
}
