import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { KeepAliveClient } from "@mainstay/adapters/testing";
import { assertFaster, bestOfThree } from "@mainstay/adapters/testing";
import { startToy } from "./tests/start_toy.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks without pause until the listener is gone; notes what should not be. */
async function loadUntilGone(
  port: number,
  seen: { count: number; wrong: string[] },
) {
  using client = new KeepAliveClient(port);
  while (true) {
    const outcome = await client.request("/hello");
    if (outcome.kind === "refused") return;
    if (outcome.kind === "answered") {
      seen.count++;
      if (outcome.status !== 200) seen.wrong.push(`status ${outcome.status}`);
    }
    if (outcome.kind === "reset-on-reuse") seen.wrong.push(outcome.error);
    await pause(1);
  }
}

Deno.test("SIGTERM under load breaks no kept-alive connection and exits 0 in time", () =>
  bestOfThree(async () => {
    const toy = await startToy({ DRAIN_DELAY: "2s" });
    try {
      const seen = { count: 0, wrong: [] as string[] };
      const load = Array.from(
        { length: 32 },
        () => loadUntilGone(toy.port, seen),
      );
      const streams = await Promise.all(
        Array.from(
          { length: 3 },
          () => fetch(`http://127.0.0.1:${toy.port}/live`),
        ),
      );
      const streamed = streams.map((response) => response.text());
      using readiness = new KeepAliveClient(toy.port);
      const readyStatus = async () => {
        const outcome = await readiness.request("/readyz");
        return outcome.kind === "answered" ? outcome.status : outcome.kind;
      };
      await pause(500);
      strictEqual(await readyStatus(), 200);

      const killedMs = performance.now();
      toy.process.kill("SIGTERM");
      while (await readyStatus() !== 503);
      const unreadyMs = performance.now() - killedMs;
      await pause(1500 - unreadyMs);
      const slow = fetch(`http://127.0.0.1:${toy.port}/slow?ms=1000`);
      const slowEndsMs = performance.now() - killedMs + 1000;

      strictEqual(await (await slow).text(), "slow");
      const { code } = await toy.process.status;
      const exitMs = performance.now() - killedMs;
      await Promise.all(load);

      strictEqual(code, 0);
      deepStrictEqual(seen.wrong, []);
      ok(seen.count > 1000, `only ${seen.count} requests`);
      for (const text of await Promise.all(streamed)) {
        match(text, /retry: \d+\n\n$/);
      }
      assertFaster(unreadyMs, 20, "not ready");
      assertFaster(exitMs, slowEndsMs + 100, "exit");
    } finally {
      await toy.end();
    }
  }));

Deno.test("a body that is on its way at SIGTERM comes in whole", async () => {
  const toy = await startToy({ DRAIN_DELAY: "0" });
  try {
    using upload = await Deno.connect({
      hostname: "127.0.0.1",
      port: toy.port,
    });
    const send = (text: string) => upload.write(new TextEncoder().encode(text));
    await send(
      "POST /echo HTTP/1.1\r\nHost: toy\r\nContent-Length: 20\r\n\r\n0123456789",
    );
    await pause(200);
    toy.process.kill("SIGTERM");
    await pause(500);
    await send("abcdefghij");
    const answer = await new Response(upload.readable).text();
    match(answer, /^HTTP\/1\.1 200 /);
    match(answer, /0123456789abcdefghij$/);
    strictEqual((await toy.process.status).code, 0);
  } finally {
    await toy.end();
  }
});

Deno.test("POST /shutdown on the admin server ends the service in order", async () => {
  const toy = await startToy({ DRAIN_DELAY: "0" });
  try {
    const curl = (...args: string[]) =>
      new Deno.Command("curl", { args: ["-sk", ...args] }).output().then(
        ({ stdout }) => new TextDecoder().decode(stdout),
      );
    const url = `https://127.0.0.1:${toy.adminPort}`;
    const status = ["-o", "/dev/null", "-w", "%{http_code}"];
    strictEqual(await curl(...status, `${url}/shutdown`), "405");
    match(await curl("-X", "POST", `${url}/shutdown`), /shutting down/);
    strictEqual((await toy.process.status).code, 0);
  } finally {
    await toy.end();
  }
});

Deno.test("the runbook's wget reads probes, metrics and info", async () => {
  const toy = await startToy();
  try {
    const wget = async (path: string) => {
      const { code, stdout } = await new Deno.Command("wget", {
        args: [
          ...["--no-check-certificate", "-qO-", "-T", "5"],
          `https://localhost:${toy.adminPort}${path}`,
        ],
      }).output();
      return { code, text: new TextDecoder().decode(stdout) };
    };
    deepStrictEqual(await wget("/livez"), { code: 0, text: "ok" });
    deepStrictEqual(await wget("/readyz"), { code: 0, text: "ok" });
    deepStrictEqual(await wget("/startupz"), { code: 0, text: "ok" });
    match((await wget("/metrics")).text, /http_request_duration_seconds/);
    match((await wget("/info")).text, /"toy"/);
  } finally {
    await toy.end();
  }
});

Deno.test("a request past the shutdown timeout is cut with 503, and the exit code is 1", async () => {
  const toy = await startToy({ DRAIN_DELAY: "0", SHUTDOWN_TIMEOUT: "300ms" });
  try {
    const slow = fetch(`http://127.0.0.1:${toy.port}/slow?ms=20000`);
    await pause(100);
    toy.process.kill("SIGTERM");
    const response = await slow;
    strictEqual(response.status, 503);
    match(await response.text(), /service-stopping/);
    strictEqual((await toy.process.status).code, 1);
  } finally {
    await toy.end();
  }
});

Deno.test("64 clients that flood probes are answered within 20 ms", () =>
  bestOfThree(async () => {
    const toy = await startToy({ LOG_LEVEL: "INFO" });
    try {
      const times: number[] = [];
      const endMs = performance.now() + 5000;
      const paths = ["/livez", "/readyz", "/startupz", "/healthz", "/ready"];
      // As little as can be done per answer: what the client takes counts too.
      await Promise.all(Array.from({ length: 64 }, async (_, i) => {
        const socket = await Deno.connect({
          hostname: "127.0.0.1",
          port: toy.port,
        });
        const request = new TextEncoder().encode(
          `GET ${paths[i % paths.length]} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
        );
        const answer = new Uint8Array(4096);
        while (performance.now() < endMs) {
          const startedMs = performance.now();
          await socket.write(request);
          await socket.read(answer);
          times.push(performance.now() - startedMs);
          strictEqual(String.fromCharCode(...answer.subarray(9, 12)), "200");
        }
        socket.close();
      }));
      times.sort((a, b) => a - b);
      const p99 = times[Math.floor(times.length * 0.99)]!;
      assertFaster(p99, 20, `p99 of ${times.length} probes`);
    } finally {
      await toy.end();
    }
  }));
