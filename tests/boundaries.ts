import type { Import } from "@mainstay/tools/import_graph";

/** Which rule governs a file. First match wins; a file without a row is a breach. */
const LAYERS: ReadonlyArray<readonly [layer: string, path: RegExp]> = [
  ["test", /_test\.ts$|\/tests\/|^tests\/|^adapters\/testing\//],
  ["bench", /^bench\//],
  ["example", /^docs\//],
  ["stack", /^tools\/local_stack\//],
  ["tool", /^tools\//],
  ["cli", /^cli\//],
  ["kernel", /^kernel\//],
  ["contract", /^contracts\//],
  ["console", /^console\//],
  ["adapter", /^adapters\//],
  ["main", /^services\/.*\/(main|healthcheck)\.ts$/],
  ["domain", /^services\/.*\/domain\//],
  ["edge", /^services\/.*\/(http|worker)\//],
  ["storage", /^services\/.*\/storage\//],
  ["service", /^services\/.*\.ts$/],
];

/** Besides its own layer, what a layer may import. Tests and benchmarks may import anything. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  contract: [],
  console: ["contract"],
  adapter: ["kernel", "contract"],
  domain: ["kernel", "contract"],
  storage: ["domain", "adapter", "kernel", "contract"],
  edge: ["domain", "adapter", "kernel", "contract"],
  service: ["edge", "domain", "adapter", "kernel", "contract"],
  main: ["service", "storage", "domain", "adapter", "kernel", "contract"],
  stack: ["kernel"],
  cli: [
    "service",
    "storage",
    "domain",
    "adapter",
    "kernel",
    "contract",
    "stack",
  ],
  tool: ["cli", "service", "storage", "adapter", "kernel", "contract", "stack"],
  example: ["service", "storage", "adapter", "kernel", "contract"],
};

/** Third-party packages that a layer may name; a layer without a row may name any. */
const OUTSIDE: Readonly<Record<string, RegExp>> = {
  kernel:
    /^(node:|npm:\/?(zod|yaml|awilix|prom-client|@logtape\/logtape|cockatiel|croner)@)/,
  contract: /^npm:\/?zod@/,
  domain:
    /^(node:(buffer|crypto|util)$|npm:\/?(zod|jose|@jmespath-community\/jmespath)@)/,
};

/** Time and I/O, which a domain is given and never takes. */
const IMPURE = [
  /\bDeno\./,
  /\bfetch\(/,
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\./,
  /\b(set|clear)(Timeout|Interval|Immediate)\b/,
  /\bMath\.random\b/,
];

const VAGUE = /(^|\/|_)(utils?|helpers?|common|misc|shared|manager)(_|\.ts$)/;
const LONGEST = 400;

/** The layer of a file, undefined if no row of the table holds it. */
export function layerOf(path: string): string | undefined {
  return LAYERS.find(([, pattern]) => pattern.test(path))?.[0];
}

/** What is wrong with one import; undefined if nothing is. */
export function judgeImport({ from, to, specifier }: Import) {
  const importer = layerOf(from);
  if (importer === "test" || importer === "bench") return undefined;
  if (importer === undefined) return `${from}: belongs to no layer`;
  if (/^(npm|jsr|node|https?):/.test(to)) {
    if (OUTSIDE[importer]?.test(to) ?? true) return undefined;
    return `${from}: ${importer} may not import ${to}`;
  }
  const imported = layerOf(to) ?? "nothing";
  const [a, b] = [serviceOf(from), serviceOf(to)];
  if (a !== undefined && b !== undefined && a !== b) {
    return `${from}: service ${a} may not import service ${b} (${to})`;
  }
  if (packageOf(from) !== packageOf(to) && specifier.startsWith(".")) {
    return `${from}: another package is imported by its name, not as ${specifier}`;
  }
  if (importer === imported || MAY[importer]?.includes(imported)) {
    return undefined;
  }
  return `${from}: ${importer} may not import ${imported} (${to})`;
}

/** The first circle of imports, its first file also last; empty if there is none. */
export function findCycle(imports: readonly Import[]): string[] {
  const next = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const { to } of next.get(file) ?? []) {
      const cycle = visit(to, [...path, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

/** What is wrong with one file, apart from its imports. */
export function judgeFile(path: string, text: string): string[] {
  const layer = layerOf(path);
  const findings: string[] = [];
  if (layer === undefined) findings.push(`${path}: belongs to no layer`);
  if (VAGUE.test(path)) findings.push(`${path}: is named after nothing`);
  if (
    !/^[a-z0-9_]+(\.d)?\.(ts|svelte)$/.test(
      path.slice(path.lastIndexOf("/") + 1),
    )
  ) {
    findings.push(`${path}: is not named in snake_case`);
  }
  if (layer !== "test" && text.split("\n").length - 1 > LONGEST) {
    findings.push(`${path}: is longer than ${LONGEST} lines`);
  }
  const code = withoutComments(text);
  if (layer === "domain") {
    for (const pattern of IMPURE) {
      const found = pattern.exec(code)?.[0];
      if (found) findings.push(`${path}: a domain may not use ${found}`);
    }
  }
  if (!["cli", "test", "bench", "tool", "example"].includes(layer ?? "")) {
    if (/\bconsole\./.test(code)) findings.push(`${path}: uses console`);
  }
  return findings;
}

function serviceOf(path: string): string | undefined {
  return /^services\/([^/]+)\//.exec(path)?.[1];
}

function packageOf(path: string): string {
  return /^(services\/[^/]+|[^/]+)\//.exec(path)?.[1] ?? path;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|(^|\s)\/\/[^\n]*/g, "$1");
}
