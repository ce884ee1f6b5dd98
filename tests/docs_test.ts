/**
 * What the documentation says of the tree, held against the tree.
 */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const find = (pattern: string) =>
  globSync(pattern, {
    cwd: root,
    exclude: (path) => /(^|\/)(\.mainstay|\.git|node_modules)(\/|$)/.test(path),
  }).toSorted();

const pages = find("**/*.md");
const sources = find(
  "{kernel,adapters,contracts,services,cli,tools}/**/*.ts",
).filter((path) => !/_test\.ts$|\/tests\//.test(path));

/** Text outside code, where a link is a link. */
function prose(markdown: string): string {
  return markdown.replaceAll(/```[^]*?```|`[^`\n]*`/g, "");
}

/** The anchors that a page's headings make, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/```[^]*?```/g, "")
    .matchAll(/^#+ +(.+)$/gm);
  return new Set(
    [...headings].map(([, text = ""]) =>
      text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-")
    ),
  );
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(new URL(path, root)).isFile ||
      Deno.lstatSync(new URL(path, root)).isDirectory;
  } catch {
    return false;
  }
}

function brokenLinks(page: string, markdown: string): string[] {
  const links = prose(markdown).matchAll(/\]\(([^)\s]+)[^)]*\)/g);
  return [...links].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!exists(target)) return [`${page}: ${link}`];
    if (anchor === undefined || !target.endsWith(".md")) return [];
    return anchorsOf(read(target)).has(anchor) ? [] : [`${page}: ${link}`];
  });
}

Deno.test("every link of a page leads somewhere", () => {
  ok(pages.length > 0);
  assertEquals(pages.flatMap((page) => brokenLinks(page, read(page))), []);
});

Deno.test("a link that leads nowhere is found", () => {
  assertEquals(
    brokenLinks(
      "docs/a.md",
      "[a](nowhere.md) [b](../README.md#nothing) [c](https://example.com/) `[d](no)`",
    ),
    ["docs/a.md: nowhere.md", "docs/a.md: ../README.md#nothing"],
  );
});

Deno.test("README has at most 120 lines", () => {
  ok(read("README.md").split("\n").length - 1 <= 120);
});

/** Codes of the classes that extend OperationalError, from the type that fixes them. */
function codesOf(source: string): string[] {
  const codes: string[] = [];
  for (
    const [, argument = ""] of source.matchAll(
      /extends OperationalError<([^>]+)>/g,
    )
  ) {
    // A union of literals, or the name of one.
    const union = argument.includes('"')
      ? argument
      : new RegExp(`type ${argument.trim()} =([^;]+);`).exec(source)?.[1] ?? "";
    codes.push(
      ...[...union.matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code),
    );
  }
  return codes;
}

Deno.test("every error code has its page", () => {
  const codes = new Set(
    sources.flatMap((path) => codesOf(read(path).replaceAll(/^ \*.*$/gm, ""))),
  );
  const documented = find("docs/problems/*.md")
    .map((path) => path.replace(/^.*\/(.*)\.md$/, "$1"));
  ok(codes.has("invalid-input"));
  assertEquals(
    [...codes].filter((code) => !documented.includes(code)).toSorted(),
    [],
  );
});

Deno.test("every command that a page gives is a task", () => {
  const { tasks } = JSON.parse(read("deno.json")) as {
    tasks: Record<string, unknown>;
  };
  const unknown = pages.filter((page) => !page.endsWith("CHANGELOG.md"))
    .flatMap((page) =>
      [...read(page).matchAll(/\b(?:deno|deno@[\d.]+) task ([a-z:-]+)/g)]
        .filter(([, task = ""]) => tasks[task] === undefined)
        .map(([, task]) => `${page}: ${task}`)
    );
  assertEquals(unknown, []);
});

Deno.test("the README's test command is the one that .ci/run runs", () => {
  const command = "npx --yes deno@2.9.6 task test";
  ok(read("README.md").includes(`\n${command}\n`));
  ok(read(".ci/run").includes(`\n${command}\n`));
});

Deno.test("no file names a folder of one machine", () => {
  const files = [...pages, ...sources, ...find("**/*.{yml,yaml,json,sh}")];
  const findings = files.filter((path) =>
    /(^|["'\s(=])\/(home|Users|root|work)\/[\w.-]/m.test(read(path))
  );
  assertEquals(findings, []);
});

Deno.test("every file is named like its neighbours", () => {
  const findings = find("{docs,deployments,configs}/**/*.{md,yml,yaml}")
    .filter((path) =>
      !/^([A-Z]+|[a-z0-9._-]+)\.\w+$/.test(path.split("/").at(-1) ?? "")
    );
  assertEquals(findings, []);
});
