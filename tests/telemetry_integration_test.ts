/**
 * OTLP_ENDPOINT, on real processes: what comes to a collector and what does
 * not, and that a collector that fails hurts nothing.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  eventually,
} from "@mainstay/adapters/testing";
import {
  type Collector,
  startGrpcCollector,
  startHttpCollector,
} from "./otlp_collector.ts";

const root = new URL("../", import.meta.url).pathname;
const PROGRAM = "adapters/http/tests/toy_program.ts";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const ALL = { OTEL_TRACES_SAMPLER_ARG: "1" };

/** Runs a service as a task and an image do: `bin/otel_environment` first. */
async function startService(env: Record<string, string>) {
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      'export $(sh bin/otel_environment toy) && exec "$0" run --no-prompt --allow-net --allow-read=adapters/http --allow-sys=hostname --allow-env "$1"',
      Deno.execPath(),
      PROGRAM,
    ],
    cwd: root,
    env: {
      SERVICE_NAME: "toy",
      SERVICE_PORT: "0",
      ADMIN_PORT: "0",
      OTEL_BSP_SCHEDULE_DELAY: "200",
      OTEL_BLRP_SCHEDULE_DELAY: "200",
      ...env,
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  let output = "";
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (
      const text of process.stdout.pipeThrough(new TextDecoderStream())
    ) {
      output += text;
      const [, url] = /"Listening","url":"(http:[^"]+)"/.exec(output) ?? [];
      if (url) listening.resolve(url);
    }
    listening.reject(new Error(`It ended: ${output}${await errors}`));
  })();
  const url = await listening.promise;
  return {
    url,
    async get(path: string, headers: Record<string, string> = {}) {
      const response = await fetch(url + path, { headers });
      await response.body?.cancel();
      return response.status;
    },
    /** Ends it in order; by force after half a minute. */
    async end() {
      const begun = performance.now();
      process.kill("SIGTERM");
      const late = setTimeout(() => process.kill("SIGKILL"), 30_000);
      const { code } = await process.status;
      clearTimeout(late);
      await reading;
      const tookMs = performance.now() - begun;
      return { code, tookMs, output, errors: await errors };
    },
  };
}

const traceparent = (flags: "00" | "01") => ({
  traceparent: `00-${TRACE}-${SPAN}-${flags}`,
});

async function checkCollected(
  collector: Collector,
  env: Record<string, string>,
): Promise<void> {
  const service = await startService({
    ...ALL,
    ...env,
    OTEL_METRIC_EXPORT_INTERVAL: "500",
    OTLP_ENDPOINT: collector.url,
  });
  const correlation = { "x-correlation-id": "order-1" };
  strictEqual(
    await service.get("/hello?code=s3cret", {
      ...traceparent("01"),
      ...correlation,
    }),
    200,
  );
  strictEqual(await service.get("/livez"), 200);
  strictEqual(await service.get("/nowhere/s3cret"), 404);
  await eventually(
    "spans, logs and metrics have come",
    () =>
      Promise.resolve(
        collector.spans.length >= 2 && collector.metrics.size > 0 &&
          collector.logs.some(({ traceId }) => traceId === TRACE),
      ),
  );
  const { code, output, errors } = await service.end();
  strictEqual(code, 0);
  strictEqual(errors, "");

  const [hello, nowhere, ...others] = collector.spans;
  deepStrictEqual(others, [], "a probe is no span");
  strictEqual(hello?.name, "GET /hello");
  deepStrictEqual(hello?.attributes, {
    "http.request.method": "GET",
    "http.route": "/hello",
    "mainstay.correlation_id": "order-1",
    "http.response.status_code": 200,
  });
  deepStrictEqual([hello?.traceId, hello?.parentSpanId], [TRACE, SPAN]);
  strictEqual(nowhere?.name, "GET unmatched");
  strictEqual(nowhere?.parentSpanId, "", "a trace of its own");
  deepStrictEqual([...collector.services], ["toy"]);
  ok(collector.metrics.has("http.server.request.duration"));
  ok(!collector.raw.includes("s3cret"), "no URL goes along");

  const lines = output.trimEnd().split("\n");
  const written = lines.map((line) => JSON.parse(line));
  deepStrictEqual(
    collector.logs.map(({ body }) => body.trimEnd()).toSorted(),
    lines.toSorted(),
    "the collector has the log, and standard output has it once",
  );
  const access = written.find(({ correlationId }) =>
    correlationId === "order-1"
  );
  deepStrictEqual([access?.traceId, access?.spanId], [TRACE, hello?.spanId]);
  const record = collector.logs.find(({ traceId }) => traceId === TRACE);
  match(record?.body ?? "", /order-1/);
  strictEqual(record?.severity, "INFO");
}

Deno.test("traces, metrics and logs come to a collector over HTTP", async () => {
  await using collector = startHttpCollector();
  await checkCollected(collector, {});
});

Deno.test("traces, metrics and logs come to a collector over gRPC", async () => {
  await using collector = await startGrpcCollector();
  await checkCollected(collector, { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
});

Deno.test("a tenth of all traces is sent, and what a caller has decided stands", async () => {
  await using collector = startHttpCollector();
  const service = await startService({ OTLP_ENDPOINT: collector.url });
  for (let i = 0; i < 300; i++) await service.get("/hello");
  for (let i = 0; i < 20; i++) await service.get("/hello", traceparent("00"));
  for (let i = 0; i < 20; i++) await service.get("/hello", traceparent("01"));
  const { code } = await service.end();
  strictEqual(code, 0);
  const decided = collector.spans.filter(({ traceId }) => traceId === TRACE);
  strictEqual(decided.length, 20);
  const own = collector.spans.length - decided.length;
  // 30 are expected; less than 5 or more than 80 come once in 10⁹ runs.
  ok(own >= 5 && own <= 80, `${own} of 300`);
});

/** A collector that takes connections and says nothing. */
function startFrozenCollector() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken: Deno.Conn[] = [];
  const taking = (async () => {
    for await (const connection of listener) taken.push(connection);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    taken,
    async [Symbol.asyncDispose]() {
      listener.close();
      await taking;
      for (const connection of taken) connection.close();
    },
  };
}

async function checkUnhurt(
  endpoint: string,
  env: Record<string, string>,
  endsWithinMs: number,
): Promise<void> {
  const service = await startService({
    ...ALL,
    ...env,
    OTLP_ENDPOINT: endpoint,
  });
  const begun = performance.now();
  for (let i = 0; i < 500; i++) strictEqual(await service.get("/hello"), 200);
  const eachMs = (performance.now() - begun) / 500;
  const { code, tookMs, output, errors } = await service.end();
  strictEqual(code, 0);
  strictEqual(errors, "");
  ok(output.includes('"GET /hello'), "the log is still written");
  assertFaster(eachMs, 20, "a request");
  assertFaster(tookMs, endsWithinMs, "the end");
}

for (const protocol of ["http/protobuf", "grpc"]) {
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
  Deno.test(`a collector that is not there hurts nothing (${protocol})`, () =>
    bestOfThree(() => checkUnhurt("http://127.0.0.1:1", env, 1000)));

  Deno.test(`a collector that hangs costs four seconds at the end and nothing before (${protocol})`, () =>
    bestOfThree(async () => {
      await using frozen = startFrozenCollector();
      await checkUnhurt(frozen.url, env, 6000);
      ok(frozen.taken.length > 0, "it was spoken to");
    }));
}

/** What a task of this repository does with these arguments. */
async function runTask(args: readonly string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...args],
    cwd: root,
    env: {
      SERVICE_NAME: "events",
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: "1",
      ...env,
    },
  }).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("a task hears OTLP_ENDPOINT in its environment, and says so where it cannot", async () => {
  const OTLP_ENDPOINT = "http://127.0.0.1:4318";
  const heard = await runTask(["service:events", "--print-config"], {
    OTLP_ENDPOINT,
  });
  strictEqual(heard.code, 0, heard.said);
  match(heard.said, /OTLP_ENDPOINT.*http:\/\/127\.0\.0\.1:4318.*environment/i);
  const flag = await runTask([
    "service:events",
    `--otlp-endpoint=${OTLP_ENDPOINT}`,
  ], {});
  strictEqual(flag.code, 2);
  match(flag.said, /OTLP_ENDPOINT: is heard only in the environment/);
  const wrong = await runTask(["service:events"], {
    OTLP_ENDPOINT: "collector port 4317",
  });
  strictEqual(wrong.code, 2);
  match(wrong.said, /OTLP_ENDPOINT: is not a URL/);
});

Deno.test("a task passes signals, output and exit codes through, with telemetry and without", async () => {
  for (const OTLP_ENDPOINT of ["", "http://127.0.0.1:1"]) {
    const task = new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "service:events"],
      cwd: root,
      env: {
        SERVICE_NAME: "events",
        REDIS_HOST: "127.0.0.1",
        REDIS_PORT: "1",
        ADMIN_PORT: "0",
        SERVICE_PORT: "0",
        OTLP_ENDPOINT,
      },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(task.stderr).text();
    let said = "";
    for await (const text of task.stdout.pipeThrough(new TextDecoderStream())) {
      const before = said;
      said += text;
      // It waits for a Redis that is not there: the signal comes in the start.
      const waits = /Connection attempt/;
      if (waits.test(said) && !waits.test(before)) task.kill("SIGTERM");
    }
    strictEqual((await task.status).code, 0, said);
    strictEqual(await errors, "");
    match(said, /Shutting down: SIGTERM/);
  }
});

async function environmentOf(env: Record<string, string>) {
  const { stdout } = await new Deno.Command("sh", {
    args: ["bin/otel_environment", "events"],
    cwd: root,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", ...env },
  }).output();
  return Object.fromEntries(
    new TextDecoder().decode(stdout).trimEnd().split("\n")
      .map((line) => line.split("=")),
  );
}

Deno.test("port 4317 means gRPC, any other HTTP, and what is set stays", async () => {
  const protocol = async (OTLP_ENDPOINT: string) =>
    (await environmentOf({ OTLP_ENDPOINT })).OTEL_EXPORTER_OTLP_PROTOCOL;
  strictEqual(await protocol("http://collector:4317"), "grpc");
  strictEqual(await protocol("http://[::1]:4317/"), "grpc");
  strictEqual(await protocol("http://collector:4318"), "http/protobuf");
  strictEqual(await protocol("https://otlp.example/v1"), "http/protobuf");
  deepStrictEqual(await environmentOf({}), { MAINSTAY_TELEMETRY: "off" });
  const own = await environmentOf({
    OTLP_ENDPOINT: "http://collector:4317",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_TRACES_SAMPLER_ARG: "0.5",
  });
  strictEqual(own.OTEL_SERVICE_NAME, "events");
  strictEqual(own.OTEL_EXPORTER_OTLP_PROTOCOL, undefined);
  strictEqual(own.OTEL_TRACES_SAMPLER_ARG, undefined);
});
