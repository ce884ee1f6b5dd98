/** What one run of `deno test` came to. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** Names of tests that were skipped, with their file. */
  readonly skipped: readonly string[];
}

/**
 * Reads the JUnit report of `deno test --junit-path`. A file that failed to load
 * is not in it: only the exit code of the run tells.
 *
 * @param xml Undefined if the run wrote none: it ended before its tests did.
 */
export function readTestReport(xml: string | undefined): TestReport {
  if (xml === undefined) return { passed: 0, failed: 1, skipped: [] };
  let passed = 0;
  let failed = 0;
  const skipped: string[] = [];
  for (
    const [, attributes = "", body = ""] of xml.matchAll(
      /<testcase ([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g,
    )
  ) {
    const value = (name: string) =>
      decode(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    if (/<(failure|error)\b/.test(body)) failed++;
    else if (/<skipped\b/.test(body)) {
      skipped.push(`${value("classname")}: ${value("name")}`);
    } else passed++;
  }
  return { passed, failed, skipped };
}

function decode(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"').replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
