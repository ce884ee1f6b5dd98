import { globSync } from "node:fs";

/** One import, as Deno resolves it. */
export interface Import {
  /** The importing file, relative to the root. */
  readonly from: string;
  /** What it resolves to: a file relative to the root, or `npm:…`, `node:…`. */
  readonly to: string;
  /** As it is written. */
  readonly specifier: string;
}

/** The source files of a tree, and every import among them. */
export interface ImportGraph {
  readonly files: readonly string[];
  readonly imports: readonly Import[];
}

const SOURCES =
  "{kernel,adapters,contracts,console,services,cli,tools,bench,docs,tests}/**/*.ts";
/** Components, which Deno does not read: their imports are found here. */
const COMPONENTS = "console/**/*.svelte";

/**
 * Reads the graph that Deno itself resolves: static, type-only, re-exported and
 * literal dynamic imports all count, and a computed one is nobody's.
 *
 * @param root Of the tree, a folder with a `deno.json`, as a `file:` URL that ends with `/`.
 */
export async function readImportGraph(root: URL): Promise<ImportGraph> {
  const files = globSync(SOURCES, { cwd: root }).toSorted();
  const components = globSync(COMPONENTS, { cwd: root }).toSorted();
  const written = await writtenImports(components, root);
  // Deno resolves what components import by name, as it does for all others.
  const named = new Set(
    written.map(({ specifier }) => specifier).filter((it) => !/^\./.test(it)),
  );
  // Where neither the formatter nor the linter looks, and the root's deno.json holds.
  const folder = new URL(".mainstay/", root);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const entry = new URL(`graph-${crypto.randomUUID()}.ts`, folder);
  try {
    await Deno.writeTextFile(
      entry,
      [...files.map((file) => `../${file}`), ...named]
        .map((specifier) => `import "${specifier}";`).join("\n"),
    );
    const { stdout, stderr, success } = await new Deno.Command(
      Deno.execPath(),
      { args: ["info", "--json", entry.href], cwd: root },
    ).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const info = decode(stdout);
    const resolved = resolutionsOf(info, entry.href, root);
    return {
      files: [...files, ...components].toSorted(),
      imports: [
        ...importsOf(files, root, info),
        ...written.map(({ from, specifier }) => ({
          from,
          specifier,
          to: resolved.get(specifier) ??
            new URL(specifier, new URL(from, root)).href
              .slice(root.href.length),
        })),
      ],
    };
  } finally {
    await Deno.remove(entry);
  }
}

/** What the scripts of components import, as it is written. */
async function writtenImports(
  components: readonly string[],
  root: URL,
): Promise<Array<Omit<Import, "to">>> {
  const found = components.map(async (from) => {
    const text = await Deno.readTextFile(new URL(from, root));
    const scripts = [...text.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)]
      .map(([, script = ""]) => script).join("\n");
    return [...scripts.matchAll(
      /\b(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*\(?\s*["']([^"']+)["']/g,
    )].map(([, specifier = ""]) => ({ from, specifier }));
  });
  return (await Promise.all(found)).flat();
}

/** What the specifiers of one module resolve to. */
function resolutionsOf(
  { modules }: DenoInfo,
  module: string,
  root: URL,
): ReadonlyMap<string, string> {
  const { dependencies = [] } =
    modules.find(({ specifier }) => specifier === module) ?? {};
  return new Map(dependencies.map((dependency) => {
    const to = targetOf(dependency);
    return [
      dependency.specifier,
      to.startsWith(root.href) ? to.slice(root.href.length) : to,
    ];
  }));
}

/** What is used of the answer of `deno info --json`. */
interface DenoInfo {
  readonly modules: ReadonlyArray<{
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly Dependency[];
  }>;
}

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

function targetOf({ code, type, specifier }: Dependency): string {
  return code?.specifier ?? type?.specifier ?? specifier;
}

function decode(json: Uint8Array): DenoInfo {
  return JSON.parse(new TextDecoder().decode(json)) as DenoInfo;
}

function importsOf(
  files: readonly string[],
  root: URL,
  { modules }: DenoInfo,
): Import[] {
  const known = new Set(files);
  const relative = (url: string) =>
    url.startsWith(root.href) ? url.slice(root.href.length) : url;
  const seen = new Set(modules.map(({ specifier }) => relative(specifier)));
  const missing = files.filter((file) => !seen.has(file));
  if (missing.length > 0) {
    throw new Error(`Not in the import graph: ${missing.join(", ")}`);
  }
  return modules.flatMap((module) =>
    (module.dependencies ?? []).map((dependency) => ({
      from: relative(module.specifier),
      to: relative(targetOf(dependency)),
      specifier: dependency.specifier,
    }))
  ).filter(({ from }) => known.has(from));
}
