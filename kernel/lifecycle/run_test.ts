import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { createFakeClock } from "./fake_clock.ts";
import { createKernel } from "./create_kernel.ts";
import type { Fault, Host } from "./host.ts";
import type { ModuleParts } from "./module.ts";
import type { Part } from "./part.ts";
import { run } from "./run.ts";
import type { ServedService, Service } from "./service.ts";

/** A process in the test's hands. */
function fakeHost() {
  const signals = new Set<(signal: string) => void>();
  const faults = new Set<(fault: Fault) => void>();
  const exits: number[] = [];
  const host: Host = {
    onSignal(listener) {
      signals.add(listener);
      return () => void signals.delete(listener);
    },
    onFault(listener) {
      faults.add(listener);
      return () => void faults.delete(listener);
    },
    exit: (code) => void exits.push(code),
  };
  return {
    host,
    exits,
    signal: (name: string) => signals.forEach((listener) => listener(name)),
    fault: (fault: Fault) => faults.forEach((listener) => listener(fault)),
    listening: () => signals.size + faults.size,
  };
}

/** A stage for services: what they do is noted in one list. */
function setUp() {
  const clock = createFakeClock();
  const seen: string[] = [];
  const lines: Array<Record<string, unknown>> = [];
  const stage = fakeHost();

  const part = (name: string, own: Partial<Part> = {}): Part => ({
    name,
    start: () => void seen.push(`+${name}`),
    drain: () => void seen.push(`~${name}`),
    stop: () => void seen.push(`-${name}`),
    ...own,
  });
  const service = (
    name: string,
    added: ModuleParts,
    options: { drainDelayMs?: number; onServed?: (s: ServedService) => void } =
      {},
  ): Service => ({
    kernel: createKernel({
      identity: { name, version: "1.0.0", environment: "test" },
      logging: {
        level: "INFO",
        format: "json",
        write: (line) => lines.push(JSON.parse(line)),
      },
      clock,
    }),
    modules: [{ name: "only", setup: () => added }],
    listeners: {
      public(served) {
        options.onServed?.(served);
        return part(`${name}-http`);
      },
    },
    shutdown: {
      drainDelayMs: options.drainDelayMs ?? 0,
      shutdownTimeoutMs: 30_000,
    },
  });
  const begin = (...services: Service[]) => {
    let code: number | undefined;
    const done = run(services, { clock, host: stage.host }).then((result) =>
      code = result
    );
    return { done, code: () => code };
  };
  const errors = () =>
    lines.filter(({ level }) => level === "ERROR").map(({ message }) =>
      message
    );
  return { begin, clock, errors, lines, part, seen, service, stage };
}

Deno.test("run() is not ready at once, drains after the delay, stops after the drain", async () => {
  const { begin, clock, part, seen, service, stage } = setUp();
  const work = Promise.withResolvers<void>();
  let served: ServedService | undefined;
  const subject = service("toy", {
    parts: [part("db")],
    background: [
      part("consumer", {
        drain() {
          seen.push("~consumer");
          return work.promise;
        },
      }),
    ],
  }, { drainDelayMs: 5000, onServed: (s) => served = s });
  const ready = () => subject.kernel.health.snapshot({ group: "ready" });
  const { code } = begin(subject);
  strictEqual(ready().status, "starting");
  await clock.advance(0);
  strictEqual(ready().status, "healthy");
  deepStrictEqual(seen, ["+db", "+toy-http", "+consumer"]);

  stage.signal("SIGTERM");
  deepStrictEqual([ready().status, ready().draining], ["unhealthy", true]);
  strictEqual(served?.stopping.aborted, true);
  await clock.advance(4999);
  strictEqual(served?.draining.aborted, false);
  await clock.advance(1);
  strictEqual(served?.draining.aborted, true);
  deepStrictEqual(seen.slice(3), ["~db", "~toy-http", "~consumer"]);

  await clock.advance(29_000);
  strictEqual(seen.length, 6, "nothing stops while work is in hand");
  work.resolve();
  await clock.advance(0);
  deepStrictEqual(seen.slice(6), ["-consumer", "-toy-http", "-db"]);
  strictEqual(code(), 0);
  strictEqual(clock.pending, 0);
  strictEqual(stage.listening(), 0);
});

Deno.test("run() logs the reason and the times of a shutdown, and nothing else of its settings", async () => {
  const { begin, clock, lines, service, stage } = setUp();
  const subject = service("toy", {});
  const shutdown = { ...subject.shutdown, passphrase: "hunter2", url: "x" };
  const { done } = begin({ ...subject, shutdown });
  await clock.advance(0);
  stage.signal("SIGTERM");
  await done;
  const line = lines.find(({ reason }) => reason === "SIGTERM");
  strictEqual(line?.message, "Shutting down: SIGTERM");
  strictEqual(line?.shutdownTimeoutMs, 30_000);
  strictEqual("url" in line, false);
});

Deno.test("run() tells drains when the deadline has passed, cuts them, and gives 1", async () => {
  const { begin, clock, errors, part, seen, service, stage } = setUp();
  const { code } = begin(service("toy", {
    background: [
      part("deaf", { drain: () => new Promise<never>(() => {}) }),
      part("polite", {
        drain: (signal) =>
          new Promise<void>((resolve) =>
            signal.addEventListener("abort", () => {
              seen.push("cut polite");
              resolve();
            })
          ),
      }),
    ],
  }));
  await clock.advance(0);
  stage.signal("SIGTERM");
  await clock.advance(29_999);
  strictEqual(seen.includes("cut polite"), false);
  await clock.advance(1);
  strictEqual(seen.includes("cut polite"), true);
  await clock.advance(499);
  strictEqual(code(), undefined);
  await clock.advance(1);
  strictEqual(code(), 1);
  deepStrictEqual(errors(), ["Cut off: drain of deaf did not end in time"]);
  deepStrictEqual(seen.slice(-3), ["-polite", "-deaf", "-toy-http"]);
  strictEqual(clock.pending, 0);
});

Deno.test("run() goes on stopping when a stop throws, and gives 1", async () => {
  const { begin, clock, errors, part, seen, service, stage } = setUp();
  const bad = () => {
    throw new Error("Bad stop");
  };
  const { code } = begin(service("toy", {
    parts: [part("a"), part("b", { stop: bad }), part("c", { drain: bad })],
  }));
  await clock.advance(0);
  stage.signal("SIGINT");
  await clock.advance(0);
  strictEqual(code(), 1);
  deepStrictEqual(seen.slice(-3), ["-toy-http", "-c", "-a"]);
  deepStrictEqual(errors(), ["The drain of c failed", "The stop of b failed"]);
});

Deno.test("run() waits for a start that ignores its signal, up to the deadline", async () => {
  const { begin, clock, part, service, stage } = setUp();
  const { code } = begin(service("toy", {
    parts: [part("deaf", { start: () => new Promise<never>(() => {}) })],
  }));
  await clock.advance(0);
  stage.signal("SIGTERM");
  await clock.advance(30_499);
  strictEqual(code(), undefined);
  await clock.advance(1);
  strictEqual(code(), 1);
  strictEqual(clock.pending, 0);
});

Deno.test("run() gives 1 for work that was cut, though its part then ended in order", async () => {
  const { begin, clock, part, seen, service, stage } = setUp();
  const { code } = begin(service("toy", {
    parts: [part("jobs", {
      drain: (signal) =>
        new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve())
        ),
    })],
  }));
  await clock.advance(0);
  stage.signal("SIGTERM");
  await clock.advance(29_999);
  strictEqual(code(), undefined);
  await clock.advance(1);
  strictEqual(seen.at(-1), "-jobs");
  strictEqual(code(), 1);
});

Deno.test("run() starts nothing more once it is told to end", async () => {
  const { begin, clock, lines, part, seen, service, stage } = setUp();
  const deaf = part("deaf", {
    start: () => new Promise<void>((resolve) => clock.schedule(resolve, 1000)),
  });
  const { code } = begin(service("toy", { parts: [deaf, part("next")] }));
  await clock.advance(0);
  stage.signal("SIGTERM");
  await clock.advance(1000);
  deepStrictEqual(seen, ["~deaf", "-deaf"]);
  strictEqual(code(), 0);
  strictEqual(lines.some(({ message }) => message === "Started"), false);
});

Deno.test("run() never says that it has started when it is told to end in the last start", async () => {
  const { begin, clock, lines, part, service, stage } = setUp();
  const { code } = begin(service("toy", {
    background: [part("deaf", {
      start: () =>
        new Promise<void>((resolve) => clock.schedule(resolve, 1000)),
    })],
  }, { drainDelayMs: 5000 }));
  await clock.advance(0);
  stage.signal("SIGTERM");
  await clock.advance(1000);
  strictEqual(code(), 0, "no drain delay: it was never ready");
  strictEqual(lines.some(({ message }) => message === "Started"), false);
});

Deno.test("run() ends one service of several alone, and the process with the last", async () => {
  const { begin, clock, seen, service, stage } = setUp();
  const served: ServedService[] = [];
  const onServed = (s: ServedService) => void served.push(s);
  const { code } = begin(
    service("one", {}, { onServed }),
    service("two", {}, { onServed }),
  );
  await clock.advance(0);
  served[0]?.shutdown("POST /shutdown");
  served[0]?.shutdown("again");
  await clock.advance(10_000);
  deepStrictEqual(seen.slice(2), ["~one-http", "-one-http"]);
  strictEqual(code(), undefined);
  stage.signal("SIGTERM");
  await clock.advance(0);
  deepStrictEqual(seen.slice(4), ["~two-http", "-two-http"]);
  strictEqual(code(), 0);
});

Deno.test("run() ends all services when one fails to start", async () => {
  const { begin, clock, lines, part, seen, service } = setUp();
  const { code } = begin(
    service("good", {}),
    service("bad", {
      parts: [part("db", { start: () => Promise.reject(new Error("Gone")) })],
    }),
  );
  await clock.advance(0);
  strictEqual(code(), 1);
  deepStrictEqual(seen.toSorted(), [
    "+good-http",
    "-db",
    "-good-http",
    "~db",
    "~good-http",
  ]);
  const reasons = lines.filter(({ message }) => message === "Stopped").map((
    { service, reason },
  ) => [service, reason]);
  deepStrictEqual(reasons.toSorted(), [
    ["bad", "the start failed"],
    ["good", "bad failed to start"],
  ]);
});

Deno.test("run() refuses modules and parts that cannot be told apart or ordered", async () => {
  const module = (name: string, ...dependsOn: string[]) => ({
    name,
    dependsOn,
    setup: () => ({}),
  });
  const wrong: Array<[Partial<Service>, RegExp]> = [
    [{ modules: [module("a", "b")] }, /a depends on b, which is not there/],
    [{ modules: [module("a"), module("a")] }, /two of them are named a/],
    [
      { modules: [module("x", "a"), module("a", "b"), module("b", "a")] },
      /they depend on each other: a → b → a/,
    ],
    [
      {
        listeners: {
          admin: () => ({ name: "p" }),
          public: () => ({ name: "p" }),
        },
      },
      /two parts are named p/,
    ],
  ];
  for (const [change, expected] of wrong) {
    const { begin, errors, seen, service } = setUp();
    const { done, code } = begin({ ...service("toy", {}), ...change });
    await done;
    strictEqual(code(), 1);
    match(String(errors()[0]), expected);
    deepStrictEqual(seen, []);
  }
});

Deno.test("run() refuses a check with an unknown group, having stopped what had started", async () => {
  const { begin, clock, errors, part, seen, service } = setUp();
  const subject = service("toy", { parts: [part("db")] });
  subject.kernel.health.register({
    name: "cache",
    groups: ["raedy"],
    check: () => {},
  });
  const { code } = begin(subject);
  await clock.advance(0);
  strictEqual(code(), 1);
  match(String(errors()[0]), /unknown groups raedy \(of cache\)/);
  deepStrictEqual(seen, ["+db", "~db", "-db"]);
});

Deno.test("run() counts and logs an error that nobody caught, then ends with 1", async () => {
  const { begin, clock, errors, service, stage } = setUp();
  const subject = service("toy", {});
  const { code } = begin(subject);
  await clock.advance(0);
  stage.fault({ kind: "rejection", error: new Error("Lost") });
  await clock.advance(0);
  strictEqual(code(), 1);
  deepStrictEqual(errors(), ["Unhandled rejection"]);
  const { body } = await subject.kernel.metrics.expose();
  match(body, /^errors_total\{type="unhandled"\} 1$/m);
});

Deno.test("run() exits at once on a second signal", async () => {
  const { begin, clock, part, service, stage } = setUp();
  const { done } = begin(
    service("toy", {}, { drainDelayMs: 5000 }),
    service("other", { parts: [part("db")] }),
  );
  await clock.advance(0);
  stage.signal("SIGTERM");
  deepStrictEqual(stage.exits, []);
  stage.signal("SIGINT");
  deepStrictEqual(stage.exits, [130]);
  await clock.advance(5000);
  await done;
});

Deno.test("run() takes the same signal at the same moment for an echo, later for a second one", async () => {
  const { begin, clock, service, stage } = setUp();
  const { done } = begin(service("toy", {}, { drainDelayMs: 5000 }));
  await clock.advance(0);
  stage.signal("SIGINT");
  await clock.advance(199);
  stage.signal("SIGINT");
  deepStrictEqual(stage.exits, []);
  await clock.advance(1);
  stage.signal("SIGINT");
  deepStrictEqual(stage.exits, [130]);
  await clock.advance(5000);
  await done;
});

Deno.test("run() disposes the container after the parts", async () => {
  const { begin, clock, seen, part, service, stage } = setUp();
  const subject = service("toy", { parts: [part("db")] });
  subject.kernel.container.provide(
    { name: "pool" },
    () => "pool",
    { dispose: () => void seen.push("disposed") },
  );
  subject.kernel.container.get({ name: "pool" });
  const { done } = begin(subject);
  await clock.advance(0);
  stage.signal("SIGTERM");
  await done;
  deepStrictEqual(seen.slice(-2), ["-db", "disposed"]);
});

Deno.test("run() runs the checks while it runs, and not after", async () => {
  const { begin, clock, service, stage } = setUp();
  const subject = service("toy", {});
  let runs = 0;
  subject.kernel.health.register({ name: "db", check: () => void runs++ });
  const { done } = begin(subject);
  strictEqual(runs, 0);
  await clock.advance(5000);
  strictEqual(runs, 2);
  stage.signal("SIGTERM");
  await done;
  await clock.advance(60_000);
  strictEqual(runs, 2);
});
