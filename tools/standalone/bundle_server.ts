import { globSync } from "node:fs";
import { basename } from "node:path";
import { buildConsole } from "../local_stack/build_console.ts";
import type { ServiceCommand } from "../service_commands.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A server and all that it reads of its own, in one folder that is removed at the end. */
export interface ServerBundle extends AsyncDisposable {
  readonly folder: string;
}

/**
 * Bundles a server with its packages into `<target>.js`, and puts beside it what
 * the code looks for there: its threads, the programs that it starts, its
 * migrations, the built console, the telemetry script.
 */
export async function bundleServer(
  { target, main: source }: ServiceCommand,
): Promise<ServerBundle> {
  const folder = await Deno.makeTempDir({ prefix: "mainstay-bundle-" });
  const service = source.split("/").slice(0, 2).join("/");
  const main = `${folder}/${target}.js`;
  await bundle(source, main);
  const code = await Deno.readTextFile(main);
  for (const name of threadsOf(code)) {
    await bundle(sourceOf(name, service), `${folder}/${name}`);
  }
  for (const { found, program, name } of programsOf(code)) {
    await bundle(`${service}/${program}`, `${folder}/${name}`);
    const moved = await Deno.readTextFile(main);
    await Deno.writeTextFile(main, moved.replaceAll(found, `"./${name}"`));
  }
  if (code.includes('new URL("migrations/", import.meta.url)')) {
    await copyFolder(
      `${root}${service}/storage/migrations`,
      `${folder}/migrations`,
    );
  }
  if (target === "spa") {
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
function threadsOf(code: string): readonly string[] {
  return [...code.matchAll(/new URL\("\.\/(\w+\.ts)", import\.meta\.url\)/g)]
    .map(([, name = ""]) => name);
}

/** Programs of the service, in folders of their own, that the code starts processes from. */
function programsOf(code: string) {
  return [...code.matchAll(/("\.\.\/(\w+\/\w+)\.ts"), import\.meta\.url\)/g)]
    .map(([, found = "", program = ""]) => ({
      found,
      program: `${program}.ts`,
      name: `${program.replace("/", "_")}.js`,
    }));
}

function sourceOf(name: string, service: string): string {
  const [source, ...others] = globSync(
    `{adapters,kernel,${service}}/**/*.ts`,
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
