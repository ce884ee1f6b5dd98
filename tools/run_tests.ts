/**
 * `deno task test`: every test there is, with the servers that they need.
 *
 * Ends with the line `N passed, N failed` alone (and `, N skipped`, after their
 * names), and exit code 1 if a test failed, a run broke off, or none ran.
 * `--without-servers`: only what `deno task ok` runs.
 *
 * @module
 */
import {
  buildConsole,
  findChromium,
  findRedis,
  preparePostgres,
  serverUser,
} from "./local_stack/mod.ts";
import { readTestReport, type TestReport } from "./test_report.ts";

/** What npm packages and the configuration's YAML parser read when they are imported. */
const UNIT_ENVIRONMENT = "LOG_STREAM,LOG_TOKENS";

/** Tests of the sources, not of what they do. */
const TREE_TESTS = ["boundaries", "docs", "generated"]
  .map((name) => `tests/${name}_test.ts`);

const WITHIN_MS = 60 * 60_000;

interface TestRun {
  readonly name: string;
  readonly args: readonly string[];
  /** Test files that run at once. */
  readonly jobs: number;
}

const WITHOUT_SERVERS: readonly TestRun[] = [
  {
    // No permission but these variables: a unit test touches nothing.
    name: "Unit tests and examples",
    args: [
      "--doc",
      `--allow-env=${UNIT_ENVIRONMENT}`,
      "--ignore=**/*_integration_test.ts,tests,bench,docs,.mainstay",
    ],
    jobs: navigator.hardwareConcurrency,
  },
  {
    name: "The tree itself",
    args: ["-A", ...TREE_TESTS],
    jobs: 1,
  },
];

const WITH_SERVERS: readonly TestRun[] = [
  {
    name: "Integration tests",
    args: [
      "-A",
      `--ignore=.mainstay,${TREE_TESTS.join(",")}`,
      "tests",
      "**/*_integration_test.ts",
    ],
    // Each has servers of its own beside it; more would measure the machine.
    jobs: Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1)),
  },
];

async function runTests(run: TestRun): Promise<TestReport> {
  print(`\n== ${run.name}`);
  const folder = await Deno.makeTempDir({ prefix: "mainstay-tests-" });
  const report = `${folder}/junit.xml`;
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--no-prompt",
        "--permit-no-files",
        "--hide-stacktraces",
        ...(run.jobs > 1 ? ["--parallel"] : []),
        `--junit-path=${report}`,
        ...run.args,
      ],
      env: { DENO_JOBS: String(run.jobs) },
      stdin: "null",
    }).spawn();
    const timer = setTimeout(() => {
      print(`Cannot go on: ${run.name} took longer than ${WITHIN_MS} ms`);
      child.kill("SIGKILL");
    }, WITHIN_MS);
    const { success } = await child.status;
    clearTimeout(timer);
    const xml = await Deno.readTextFile(report).catch(() => undefined);
    const read = readTestReport(xml);
    // Leaks at the end of a file and broken workers fail a run without a test.
    return success || read.failed > 0 ? read : { ...read, failed: 1 };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  const runs = [...WITHOUT_SERVERS];
  if (!Deno.args.includes("--without-servers")) {
    // Here, once, and not in each of the files at the same time.
    await findRedis(print);
    await findChromium(print);
    await buildConsole(print);
    await preparePostgres(await serverUser());
    runs.push(...WITH_SERVERS);
  }
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (const run of runs) {
    const report = await runTests(run);
    passed += report.passed;
    failed += report.failed;
    skipped.push(...report.skipped);
  }
  for (const name of skipped) print(`Skipped: ${name}`);
  const tail = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  print(`\n${passed} passed, ${failed} failed${tail}`);
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}
