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
  "{kernel,adapters,contracts,services,cli,tools,bench,docs,tests}/**/*.ts";

/**
 * Reads the graph that Deno itself resolves: static, type-only, re-exported and
 * literal dynamic imports all count, and a computed one is nobody's.
 *
 * @param root Of the tree, a folder with a `deno.json`, as a `file:` URL that ends with `/`.
 */
export async function readImportGraph(root: URL): Promise<ImportGraph> {
  const files = globSync(SOURCES, { cwd: root }).toSorted();
  // Where neither the formatter nor the linter looks, and the root's deno.json holds.
  const folder = new URL(".mainstay/", root);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const entry = new URL(`graph-${crypto.randomUUID()}.ts`, folder);
  try {
    await Deno.writeTextFile(
      entry,
      files.map((file) => `import "../${file}";`).join("\n"),
    );
    const { stdout, stderr, success } = await new Deno.Command(
      Deno.execPath(),
      { args: ["info", "--json", entry.href], cwd: root },
    ).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return { files, imports: importsOf(files, root, decode(stdout)) };
  } finally {
    await Deno.remove(entry);
  }
}

/** What is used of the answer of `deno info --json`. */
interface DenoInfo {
  readonly modules: ReadonlyArray<{
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: ReadonlyArray<{
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }>;
  }>;
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
      to: relative(
        dependency.code?.specifier ?? dependency.type?.specifier ??
          dependency.specifier,
      ),
      specifier: dependency.specifier,
    }))
  ).filter(({ from }) => known.has(from));
}
