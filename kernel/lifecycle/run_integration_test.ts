import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";

const TOY = new URL("./tests/process_service.ts", import.meta.url).pathname;

/** What a service's process wrote, and how it ended. */
interface Ended {
  readonly code: number;
  /** What the parts said, in order. */
  readonly steps: readonly string[];
  readonly log: ReadonlyArray<Record<string, unknown>>;
  readonly output: string;
  /** From the first signal to the end. */
  readonly tookMs: number;
}

/** Runs a scenario; sends each signal once the line before it has been seen. */
async function live(
  scenario: string | readonly string[],
  signals: ReadonlyArray<readonly [after: string, signal: Deno.Signal]> = [],
): Promise<Ended> {
  const args = typeof scenario === "string"
    ? [`--scenario=${scenario}`]
    : scenario;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-env=SCENARIO", TOY, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const due = [...signals];
  let output = "";
  let signalledAt: number | undefined;
  const expired = setTimeout(() => child.kill("SIGKILL"), 20_000);
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    while (due[0] !== undefined && output.includes(due[0][0])) {
      signalledAt ??= performance.now();
      child.kill(due[0][1]);
      due.shift();
    }
  }
  const { code } = await child.status;
  clearTimeout(expired);
  output += await errors;
  const lines = output.split("\n").filter((line) => line !== "");
  return {
    code,
    steps: lines.filter((line) => !line.startsWith("{")),
    log: lines.filter((line) => line.startsWith("{")).map((line) =>
      JSON.parse(line)
    ),
    output,
    tookMs: performance.now() - (signalledAt ?? NaN),
  };
}

const STARTED = ["+admin", "+db", "+http", "+work"];
const STOPPED = ["~work", "-work", "-http", "-db", "-admin"];

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends a service in order with exit code 0`, async () => {
    const { code, steps, log, tookMs } = await live("", [[
      '"Started"',
      signal,
    ]]);
    deepStrictEqual(steps, [...STARTED, ...STOPPED]);
    strictEqual(code, 0);
    const stopped = log.find(({ message }) => message === "Stopped");
    strictEqual(stopped?.reason, signal);
    strictEqual(stopped?.exitCode, 0);
    strictEqual(typeof stopped?.durationMs, "number");
    ok(tookMs < 1000, `took ${tookMs} ms`);
  });
}

Deno.test("a shutdown takes the drain delay and what is in hand, and little more", async () => {
  const { code, steps, log, tookMs } = await live("delay,in-flight", [
    ['"Started"', "SIGTERM"],
  ]);
  strictEqual(code, 0);
  ok(steps.includes("work done"));
  const took = log.find(({ message }) => message === "Stopped")?.durationMs;
  ok(Number(took) >= 490 && Number(took) <= 600, `took ${took} ms`);
  // The process' own end comes on top, and a busy machine.
  ok(tookMs < 1500, `took ${tookMs} ms`);
  deepStrictEqual(
    log.flatMap(({ phase }) => phase === undefined ? [] : [phase]),
    ["drain delay", "drain", "stop"],
  );
});

Deno.test("a failed start stops what had started, exits 1, and tells no secret", async () => {
  const { code, steps, output, log } = await live("fail-start");
  deepStrictEqual(steps, [
    "+admin",
    "+db",
    "-broken",
    "-db",
    "-admin",
  ]);
  strictEqual(code, 1);
  const failure = log.find(({ level }) => level === "ERROR");
  match(
    String(failure?.message),
    /^Cannot start: broken failed: Cannot connect/,
  );
  strictEqual(output.includes("hunter2"), false);
});

Deno.test("SIGTERM during the start aborts it and exits 0", async () => {
  const { code, steps } = await live("slow-start", [["+slow", "SIGTERM"]]);
  deepStrictEqual(steps, [
    "+admin",
    "+db",
    "+slow",
    "-slow",
    "-db",
    "-admin",
  ]);
  strictEqual(code, 0);
});

Deno.test("what hangs is cut off at the deadline, the rest is stopped, exit code 1", async () => {
  for (const scenario of ["hang-drain", "hang-stop"]) {
    const { code, steps, log, tookMs } = await live(scenario, [
      ['"Started"', "SIGTERM"],
    ]);
    strictEqual(code, 1);
    ok(steps.includes("-admin"), "parts after the hanging one still stop");
    match(
      String(log.find(({ level }) => level === "ERROR")?.message),
      /^Cut off: (drain of work|stop of db) did not end in time$/,
    );
    ok(tookMs >= 850 && tookMs < 2000, `took ${tookMs} ms`);
  }
});

Deno.test("a second signal exits at once", async () => {
  const codes = { SIGTERM: 143, SIGINT: 130 };
  for (const [second, expected] of Object.entries(codes)) {
    const { code, steps } = await live("hang-drain,patient", [
      ['"Started"', "SIGTERM"],
      ["still here", second as Deno.Signal],
    ]);
    strictEqual(code, expected);
    deepStrictEqual(steps, [...STARTED, "~work", "still here"]);
  }
});

Deno.test("a signal that a launcher passes on is no second one", async () => {
  const { code, steps } = await live("in-flight", [
    ['"Started"', "SIGINT"],
    ["~work", "SIGINT"],
  ]);
  strictEqual(code, 0);
  deepStrictEqual(steps.slice(STARTED.length, -4), ["~work", "work done"]);
});

Deno.test("SIGTERM after POST /shutdown is a first signal", async () => {
  const { code, steps } = await live("post-shutdown", [
    ["Shutting down", "SIGTERM"],
  ]);
  strictEqual(code, 0);
  strictEqual(steps.at(-1), "-admin");
});

for (const how of ["reject", "throw"]) {
  Deno.test(`an error that nobody caught (${how}) ends the process in order with 1`, async () => {
    const { code, steps, log } = await live(how);
    deepStrictEqual(steps, [...STARTED, ...STOPPED]);
    strictEqual(code, 1);
    const unhandled = log.find(({ message }) =>
      String(message).startsWith("Unhandled")
    );
    match(JSON.stringify(unhandled), /Nobody caught me/);
  });
}

Deno.test("start() names every mistake on standard error and exits 2", async () => {
  const { code, output, steps } = await live(["--scenrio=a", "--sceario=b"]);
  strictEqual(code, 2);
  match(output, /--scenrio[^]*did you mean --scenario[^]*--sceario/);
  strictEqual(steps.some((step) => step.startsWith("+")), false);
});

Deno.test("start() answers --help, --version and --print-config, and runs nothing", async () => {
  const answers: Array<[string, RegExp]> = [
    ["--help", /^A toy\.\n[^]*--scenario=VALUE/],
    ["--version", /^2\.3\.4\n$/],
    ["--print-config", /^SCENARIO=none\s+# command line\n$/],
  ];
  for (const [flag, expected] of answers) {
    const { code, output } = await live([flag, "--scenario=none"]);
    strictEqual(code, 0);
    match(output, expected);
  }
});
