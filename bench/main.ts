/**
 * `deno task bench [suite …]`: measures beside named peers, in one run, and
 * writes `bench/RESULTS.md`.
 *
 * @module
 */
import os from "node:os";
import { findRedis } from "@mainstay/tools/local_stack";
import { interleave, type Suite } from "./measurement.ts";
import { suiteReport } from "./report.ts";
import { consumeSuite } from "./suites/consume_suite.ts";
import { drainSuite } from "./suites/drain_suite.ts";
import { httpPublishSuite } from "./suites/http_publish_suite.ts";
import { latencySuite } from "./suites/latency_suite.ts";
import { identitySuite } from "./suites/identity_suite.ts";
import { kernelSuite } from "./suites/kernel_suite.ts";
import { meshhookSuite } from "./suites/meshhook_suite.ts";
import { probesSuite } from "./suites/probes_suite.ts";
import { publishSuite } from "./suites/publish_suite.ts";

const ROUNDS = 5;
const SUITES: readonly Suite[] = [
  publishSuite,
  httpPublishSuite,
  consumeSuite,
  latencySuite,
  probesSuite,
  drainSuite,
  kernelSuite,
  identitySuite,
  meshhookSuite,
];
const results = new URL("RESULTS.md", import.meta.url);

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !SUITES.some((s) => s.name === name));
  if (unknown !== undefined) {
    console.error(
      `Cannot measure ${unknown}: there are ${
        SUITES.map(({ name }) => name).join(", ")
      }`,
    );
    return 2;
  }
  const chosen = names.length === 0
    ? SUITES
    : SUITES.filter(({ name }) => names.includes(name));
  const sections: string[] = [];
  for (const suite of chosen) {
    console.log(`Measuring ${suite.name}`);
    await using stack = new AsyncDisposableStack();
    const contenders = await suite.open(stack);
    const section = suiteReport(suite, await interleave(contenders, ROUNDS));
    console.log(section);
    sections.push(section);
  }
  // A part of the suites is for looking at; the file holds one whole run.
  if (names.length === 0) {
    await Deno.writeTextFile(
      results,
      `${await preamble()}\n${sections.join("\n")}`,
    );
  }
  return 0;
}

async function preamble(): Promise<string> {
  const { product, version } = await findRedis();
  return `# Results

Written by \`deno task bench\` on ${
    new Date().toISOString().slice(0, 10)
  }: ${ROUNDS}
rounds after a first that does not count, contenders in turn, medians. CPU is
that of the measured process alone, per operation.

- Machine: ${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${
    Math.round(os.totalmem() / 2 ** 30)
  } GiB, Linux ${os.release()}; load average at the end ${
    Deno.loadavg().map((load) => load.toFixed(2)).join(" ")
  }
- Deno ${Deno.version.deno}, ${product} ${version} without persistence, everything on loopback
- Client, server and Redis share the cores: rates are ratios between rows, not promises
`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
