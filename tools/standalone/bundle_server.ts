import type { IdentityServer } from "@mainstay/identity";
import { globSync } from "node:fs";
import { basename } from "node:path";
import { buildConsole } from "../local_stack/build_console.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A server and all that it reads of its own, in one folder that is removed at the end. */
export interface ServerBundle extends AsyncDisposable {
  readonly folder: string;
}

/**
 * Bundles a server with its packages into `<server>.js`, and puts beside it what
 * the code looks for there: its workers, its migrations, the built console,
 * the telemetry script.
 */
export async function bundleServer(
  server: IdentityServer,
): Promise<ServerBundle> {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-bundle-" });
  const main = `${folder}/${server}.js`;
  await bundle(`services/identity/${server}/main.ts`, main);
  const code = await Deno.readTextFile(main);
  for (const name of workersOf(code)) {
    await bundle(sourceOf(name), `${folder}/${name}`);
  }
  if (code.includes('new URL("migrations/", import.meta.url)')) {
    await copyFolder(
      `${root}services/identity/storage/migrations`,
      `${folder}/migrations`,
    );
  }
  if (server === "spa") {
    await copyFolder(await buildConsole(), `${folder}/console`);
  }
  await Deno.copyFile(
    `${root}bin/otel_environment`,
    `${folder}/otel_environment`,
  );
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function bundle(source: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "-o", to, source],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    `Cannot bundle ${source}: ${new TextDecoder().decode(stderr)}`,
  );
}

/** Names of the files that the code starts threads from. */
function workersOf(code: string): readonly string[] {
  return [...code.matchAll(/new URL\("\.\/(\w+\.ts)", import\.meta\.url\)/g)]
    .map(([, name = ""]) => name);
}

function sourceOf(name: string): string {
  const [source, ...others] = globSync(
    "{adapters,kernel,services/identity}/**/*.ts",
    { cwd: root },
  ).filter((path) => basename(path) === name);
  if (source === undefined || others.length > 0) {
    throw new Error(`Cannot tell which file ${name} is`);
  }
  return source;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
