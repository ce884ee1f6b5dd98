import { createSelfSignedCertificate } from "../../adapters/http/self_signed_certificate.ts";
import { match, rejects, strictEqual, throws } from "node:assert/strict";
import { createKernel } from "../lifecycle/create_kernel.ts";
import { createFakeClock } from "../lifecycle/fake_clock.ts";
import {
  certificateExpiryCheck,
  type CertificateSource,
} from "./certificate_expiry_check.ts";
import { diskSpaceCheck } from "./disk_space_check.ts";
import { failureText } from "./failure_text.ts";
import { Degraded } from "./health_check.ts";
import { httpCheck } from "./http_check.ts";
import { memoryCheck, readMemoryUse } from "./memory_check.ts";
import { tcpCheck } from "./tcp_check.ts";

const patient = new AbortController().signal;
const host = "127.0.0.1";

/** A port where nothing listens. */
function deadPort(): number {
  const listener = Deno.listen({ hostname: host, port: 0 });
  listener.close();
  return listener.addr.port;
}

Deno.test("httpCheck() looks at the status and follows nothing", async () => {
  const server = Deno.serve(
    { hostname: host, port: 0, onListen: () => {} },
    (request) => {
      const status = Number(new URL(request.url).pathname.slice(1));
      return new Response("body".repeat(10_000), {
        status,
        headers: status === 302 ? { location: "/500" } : {},
      });
    },
  );
  const ask = async (status: number) =>
    await httpCheck({ url: `http://${host}:${server.addr.port}/${status}` })
      .check(patient);
  strictEqual((await ask(200))?.status, 200);
  strictEqual((await ask(302))?.status, 302);
  await rejects(() => ask(404), /It answered 404/);
  await rejects(() => ask(503), /It answered 503/);
  await server.shutdown();
});

Deno.test("httpCheck() ends with its signal, and fails where nothing listens", async () => {
  const dead = httpCheck({ url: `http://${host}:${deadPort()}/` });
  await rejects(
    async () => await dead.check(patient),
    (failure) => /refused/i.test(failureText(failure)),
  );
  // Accepts connections and never answers.
  const mute = Deno.listen({ hostname: host, port: 0 });
  const check = httpCheck({ url: `http://${host}:${mute.addr.port}/` });
  const stop = new AbortController();
  const asked = Promise.resolve(check.check(stop.signal));
  stop.abort();
  await rejects(asked, { name: "AbortError" });
  mute.close();
});

Deno.test("tcpCheck() tells whether something listens", async () => {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const accepted = listener.accept();
  await tcpCheck({ host, port: listener.addr.port }).check(patient);
  (await accepted).close();
  listener.close();
  await rejects(
    async () => await tcpCheck({ host, port: deadPort() }).check(patient),
    /ECONNREFUSED/,
  );
});

Deno.test("tcpCheck() ends with its signal", async () => {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const stop = new AbortController();
  const check = tcpCheck({ host, port: listener.addr.port });
  const asked = Promise.resolve(check.check(stop.signal));
  stop.abort();
  await rejects(asked, { name: "AbortError" });
  listener.close();
});

Deno.test("memoryCheck() degrades before a limit, and fails close to it", () => {
  const use = {
    residentBytes: 50,
    heapBytes: 10,
    maxHeapBytes: 100,
    maxResidentBytes: undefined as number | undefined,
  };
  const check = (change: Partial<typeof use>, maxBytes?: number) => () =>
    memoryCheck({
      read: () => ({ ...use, ...change }),
      ...(maxBytes !== undefined && { maxBytes }),
    }).check(patient);
  check({})();
  check({ maxResidentBytes: 100 })();
  throws(check({ maxResidentBytes: 60 }), Degraded);
  throws(
    check({ maxResidentBytes: 51 }),
    /^Error: The resident size is at 98 %/,
  );
  throws(check({ maxResidentBytes: 1000 }, 52), /at 96 %/);
  throws(check({ heapBytes: 85 }), Degraded);
  throws(check({ heapBytes: 99 }), /The heap is at 99 %/);
});

Deno.test("readMemoryUse() reads this process", () => {
  const { residentBytes, heapBytes, maxHeapBytes } = readMemoryUse();
  strictEqual(residentBytes > heapBytes && heapBytes > 1_000_000, true);
  strictEqual(maxHeapBytes > heapBytes, true);
});

Deno.test("diskSpaceCheck() fails when too little is free, or there is no disk", async () => {
  const path = Deno.cwd();
  const well = await diskSpaceCheck({ path, minFreeBytes: 1 }).check(patient);
  strictEqual(Number(well?.totalBytes) > 0, true);
  await rejects(
    async () =>
      await diskSpaceCheck({ path, minFreeBytes: 2 ** 60 }).check(patient),
    /Only \d+ bytes are free/,
  );
  await rejects(
    async () => await diskSpaceCheck({ path: `${path}/gone` }).check(patient),
    /ENOENT/,
  );
});

const NOW = Date.UTC(2025, 0, 1);
/** Ends ten years later. */
const { cert, key } = createSelfSignedCertificate(["localhost"], NOW);

Deno.test("certificateExpiryCheck() warns before the end, in a file and on a server", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, cert);
  const server = Deno.serve(
    { hostname: host, port: 0, cert, key, onListen() {} },
    () => new Response("ok"),
  );
  const sources: CertificateSource[] = [
    { file },
    { host, port: server.addr.port },
  ];
  try {
    for (const certificate of sources) {
      const at = (date: string) => async () =>
        await certificateExpiryCheck({
          certificate,
          clock: createFakeClock(Date.parse(date)),
        }).check(patient);
      const well = await at("2030-01-01")();
      match(String(well?.until), /^20\d\d-/);
      await rejects(at("2000-01-01"), /not valid yet/);
      await rejects(at("2100-01-01"), /The certificate ended at/);
      const end = Date.parse(String(well?.until));
      const justBefore = new Date(end - 13 * 86_400_000).toISOString();
      const longBefore = new Date(end - 15 * 86_400_000).toISOString();
      await rejects(at(justBefore), Degraded);
      await at(longBefore)();
    }
  } finally {
    await server.shutdown();
    await Deno.remove(file);
  }
});

Deno.test("certificateExpiryCheck() fails where nothing listens or nothing is", async () => {
  const sources: CertificateSource[] = [
    { host, port: deadPort() },
    { file: "/nonexistent/certificate.pem" },
  ];
  for (const certificate of sources) {
    await rejects(
      async () => await certificateExpiryCheck({ certificate }).check(patient),
      /ECONNREFUSED|ENOENT/,
    );
  }
});

Deno.test("a blocked event loop does not make a check fail that was answered in time", async () => {
  const { health } = createKernel({
    identity: { name: "demo", version: "1.0.0", environment: "test" },
    logging: { level: "ERROR", format: "json", write: () => {} },
  });
  const listener = Deno.listen({ hostname: host, port: 0 });
  const accepted = listener.accept();
  health.register(tcpCheck({
    host,
    port: listener.addr.port,
    timeoutMs: 200,
  }));
  const refreshed = health.refresh("tcp");
  const until = performance.now() + 400;
  while (performance.now() < until);
  await refreshed;
  strictEqual(health.snapshot().checks[0]?.status, "healthy");
  (await accepted).close();
  listener.close();
});
