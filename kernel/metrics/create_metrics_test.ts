import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
  throws,
} from "node:assert/strict";
import fc from "fast-check";
import { withLogFields } from "../logging/log_fields.ts";
import { parseExposition } from "./parse_exposition.ts";
import { createMetrics, type Metrics } from "./mod.ts";

const identity = { name: "demo", version: "1.2.3", environment: "test" };
const OPENMETRICS = "application/openmetrics-text; version=1.0.0";

const fresh = () => createMetrics({ identity });

/** The samples of one metric as `name{labels}` → value. */
async function samples(metrics: Metrics, name: string, accept?: string) {
  const { body } = await metrics.expose(accept);
  return parseExposition(body).filter((sample) =>
    sample.name === name || sample.name.startsWith(`${name}_`)
  );
}

async function value(
  metrics: Metrics,
  name: string,
  labels: Record<string, string> = {},
) {
  const found = (await samples(metrics, name)).filter((sample) =>
    sample.name === name &&
    JSON.stringify(sample.labels) === JSON.stringify(labels)
  );
  ok(found.length <= 1, "one series, one line");
  return found[0]?.value;
}

Deno.test("add() and bind() count in the same series", async () => {
  const metrics = fresh();
  const jobs = metrics.counter({
    name: "jobs_total",
    help: "h",
    labels: ["k"],
  });
  jobs.add({ k: "a" });
  jobs.bind({ k: "a" }).add(2);
  strictEqual(await value(metrics, "jobs_total", { k: "a" }), 3);
});

Deno.test("a counter without labels is shown as 0 from the start", async () => {
  const metrics = fresh();
  metrics.counter({ name: "jobs_total", help: "h" });
  strictEqual(await value(metrics, "jobs_total"), 0);
});

Deno.test("a counter refuses to fall", () => {
  const jobs = fresh().counter({ name: "jobs_total", help: "h" });
  for (const by of [-1, NaN, Infinity]) {
    throws(() => jobs.add({}, by), RangeError);
  }
});

Deno.test("remove() drops a gauge's series and frees its place", async () => {
  const metrics = fresh();
  const lag = metrics.gauge({
    name: "lag_seconds",
    help: "h",
    labels: ["g"],
    maxSeries: 1,
  });
  lag.set({ g: "a" }, 5);
  lag.remove({ g: "a" });
  lag.set({ g: "b" }, 6);
  strictEqual(await value(metrics, "lag_seconds", { g: "a" }), undefined);
  strictEqual(await value(metrics, "lag_seconds", { g: "b" }), 6);
});

Deno.test("a histogram's buckets are cumulative and agree with its count and sum", async () => {
  const metrics = fresh();
  const took = metrics.histogram({
    name: "took_seconds",
    help: "h",
    buckets: [0.1, 1],
  });
  for (const seconds of [0.1, 0.5, 1, 7]) took.observe({}, seconds);
  assertEquals(
    (await samples(metrics, "took_seconds")).map((s) => [
      s.name,
      s.labels.le,
      s.value,
    ]),
    [
      ["took_seconds_bucket", "0.1", 1],
      ["took_seconds_bucket", "1.0", 3],
      ["took_seconds_bucket", "+Inf", 4],
      ["took_seconds_sum", undefined, 8.6],
      ["took_seconds_count", undefined, 4],
    ],
  );
  throws(() => took.observe({}, NaN), RangeError);
});

Deno.test("past maxSeries one overflow series counts the rest", async () => {
  const metrics = fresh();
  const seen = metrics.counter({
    name: "seen_total",
    help: "h",
    labels: ["p"],
  });
  for (let i = 0; i < 100_000; i++) seen.add({ p: `/random/${i}` });
  const all = await samples(metrics, "seen_total");
  strictEqual(all.length, 1001);
  strictEqual(await value(metrics, "seen_total", { p: "overflow" }), 99_000);
  seen.add({ p: "/random/0" });
  strictEqual(await value(metrics, "seen_total", { p: "/random/0" }), 2);
});

Deno.test("the same name gives the same metric; another kind or other labels throw", async () => {
  const metrics = fresh();
  metrics.counter({ name: "a_total", help: "h", labels: ["x", "y"] }).add({
    x: "1",
    y: "2",
  });
  metrics.counter({ name: "a_total", help: "h", labels: ["y", "x"] }).add({
    y: "2",
    x: "1",
  });
  strictEqual(await value(metrics, "a_total", { x: "1", y: "2" }), 2);
  throws(
    () => metrics.counter({ name: "a_total", help: "h", labels: ["x"] }),
    TypeError,
  );
  metrics.gauge({ name: "depth", help: "h" });
  throws(() => metrics.histogram({ name: "depth", help: "h" }), TypeError);
  throws(() => metrics.counter({ name: "depth_total", help: "h" }), TypeError);
});

Deno.test("a metric that breaks a naming rule is refused", () => {
  const metrics = fresh();
  for (const name of ["jobs", "Jobs_total", "jobs__total", "1_total", ""]) {
    throws(() => metrics.counter({ name, help: "h" }), TypeError, name);
  }
  for (const name of ["x_total", "x_count", "x_bucket", "x_sum", "a b"]) {
    throws(() => metrics.gauge({ name, help: "h" }), TypeError, name);
  }
  throws(() => metrics.gauge({ name: "x", help: " " }), TypeError);
  throws(
    () => metrics.histogram({ name: "x", help: "h", labels: ["le"] }),
    TypeError,
  );
  throws(
    () => metrics.histogram({ name: "x", help: "h", buckets: [2, 1] }),
    RangeError,
  );
  throws(
    () => metrics.gauge({ name: "x", help: "h", maxSeries: 0 }),
    TypeError,
  );
});

Deno.test("a missing or unknown label is refused", () => {
  const a = fresh().counter({ name: "a_total", help: "h", labels: ["x"] });
  throws(() => a.add({} as { x: string }), /label "x" is missing/);
  throws(() => a.add({ x: "1", y: "2" } as { x: string }), /label "y"/);
});

Deno.test("two services share nothing", async () => {
  const [a, b] = [fresh(), fresh()];
  a.counter({ name: "jobs_total", help: "h" }).add({}, 5);
  strictEqual(await value(b, "jobs_total"), undefined);
});

Deno.test("expose() gives text by default and OpenMetrics when it is asked for", async () => {
  const metrics = fresh();
  metrics.counter({ name: "jobs_total", help: 'say "hi"\n\\' }).add({});
  const text = await metrics.expose();
  strictEqual(text.contentType, "text/plain; version=0.0.4; charset=utf-8");
  match(text.body, /^# HELP jobs_total say 'hi'\\n\\\\$/m);
  match(text.body, /^# TYPE jobs_total counter\njobs_total 1$/m);
  const open = await metrics.expose(OPENMETRICS);
  strictEqual(
    open.contentType,
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
  );
  match(open.body, /^# TYPE jobs counter\njobs_total 1$/m);
  ok(open.body.endsWith("\n# EOF\n"));
  match((await metrics.expose()).body, /^# TYPE jobs_total counter$/m);

  const prometheus =
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  match((await metrics.expose(prometheus)).contentType, /openmetrics/);
  for (
    const accept of [
      null,
      "",
      "*/*",
      "text/plain",
      "application/openmetrics-text;q=0",
      "application/openmetrics-text;q=0.3, text/plain",
    ]
  ) {
    match((await metrics.expose(accept)).contentType, /^text\/plain/);
  }
});

Deno.test("a bucket's exemplar is the trace that was running", async () => {
  const metrics = fresh();
  const took = metrics.histogram({
    name: "took_seconds",
    help: "h",
    buckets: [0.1, 1],
  }).bind({});
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  withLogFields({ traceId }, () => took.observe(0.5));
  took.observe(0.01);
  const { body } = await metrics.expose(OPENMETRICS);
  match(
    body,
    /^took_seconds_bucket\{le="1\.0"\} 2 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 0\.5 \d+\.?\d*$/m,
  );
  match(body, /^took_seconds_bucket\{le="0\.1"\} 1$/m);
  ok(!(await metrics.expose()).body.includes(traceId));
});

Deno.test("onScrape() runs before each exposition until it is removed", async () => {
  const metrics = fresh();
  const depth = metrics.gauge({ name: "depth", help: "h" });
  let calls = 0;
  const remove = metrics.onScrape(async () => {
    await Promise.resolve();
    depth.set({}, ++calls);
  });
  await metrics.expose();
  strictEqual(await value(metrics, "depth"), 2);
  remove();
  strictEqual(await value(metrics, "depth"), 2);
});

Deno.test("a collector that throws is counted and breaks nothing", async () => {
  const metrics = fresh();
  metrics.onScrape(() => {
    throw new Error("x");
  });
  metrics.onScrape(() => Promise.reject(new Error("y")));
  strictEqual(await value(metrics, "errors_total", { type: "scrape" }), 2);
});

Deno.test("a collector that hangs is given up, counted, and not called on top of itself", async () => {
  const metrics = createMetrics({ identity, scrapeDeadlineMs: 0 });
  const hung = Promise.withResolvers<void>();
  let calls = 0;
  metrics.onScrape(() => {
    calls++;
    return hung.promise;
  });
  await metrics.expose();
  strictEqual(await value(metrics, "errors_total", { type: "scrape" }), 2);
  strictEqual(calls, 1);
  hung.resolve();
  await hung.promise;
  await Promise.resolve();
  await metrics.expose();
  strictEqual(calls, 2);
});

Deno.test("build_info and the process's figures are there and plausible", async () => {
  const metrics = fresh();
  match(
    (await metrics.expose()).body,
    /^build_info\{service="demo",version="1\.2\.3",environment="test",runtime="deno-[\d.]+"\} 1$/m,
  );
  const [cpu, rss, usage, started, used, size] = await Promise.all([
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "memory_usage_bytes",
    "process_start_time_seconds",
    "runtime_heap_used_bytes",
    "runtime_heap_size_bytes",
  ].map((name) => value(metrics, name)));
  ok((cpu ?? 0) > 0.001 && (cpu ?? 0) < 3600, `${cpu}`);
  ok((rss ?? 0) > 10e6 && (rss ?? 0) < 10e9, `${rss}`);
  ok((usage ?? 0) > 10e6 && (usage ?? 0) < 10e9, `${usage}`);
  ok(Math.abs((started ?? 0) - Date.now() / 1000) < 3600, `${started}`);
  ok((used ?? 0) > 1e6 && (used ?? 0) <= (size ?? 0), `${used} ${size}`);
  const external = () => value(metrics, "runtime_external_memory_bytes");
  const before = await external() ?? NaN;
  const held = new Uint8Array(50e6);
  const grown = (await external() ?? NaN) - before;
  ok(grown > 40e6 && grown < 60e6, `${grown} for ${held.length}`);
});

Deno.test("any label values are shown each in its own series, and read back", async () => {
  const part = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom(
      "",
      "1,b:2",
      "2,b:",
      '"',
      "\\",
      "\n",
      "\\n",
      "\r",
      "}",
      "#",
    ),
  );
  await fc.assert(fc.asyncProperty(
    fc.array(fc.tuple(part, part), { maxLength: 20 }),
    async (pairs) => {
      const metrics = fresh();
      const seen = metrics.counter({
        name: "seen_total",
        help: "h",
        labels: ["a", "b"],
      });
      const expected = new Map<string, number>();
      for (const [a, b] of pairs) {
        seen.add({ a, b });
        const key = JSON.stringify([shown(a), shown(b)]);
        expected.set(key, (expected.get(key) ?? 0) + 1);
      }
      for (const accept of ["", OPENMETRICS]) {
        const found = (await samples(metrics, "seen_total", accept)).map((s) =>
          [JSON.stringify([s.labels.a, s.labels.b]), s.value] as const
        );
        assertEquals(new Map(found), expected);
        strictEqual(found.length, expected.size);
      }
    },
  ));
});

const shown = (text: string) => text.toWellFormed().replaceAll("\0", "\ufffd");
