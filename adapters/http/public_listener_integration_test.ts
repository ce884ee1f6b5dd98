import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { connect } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Route } from "@mainstay/kernel/lifecycle";
import { createHandler } from "./create_handler.ts";
import { eventStream } from "./event_stream.ts";
import { httpProblems } from "./problem.ts";
import {
  publicListener,
  type PublicListenerOptions,
} from "./public_listener.ts";
import { createSelfSignedCertificate } from "./self_signed_certificate.ts";
import { toyService } from "./tests/toy_service.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function listening(
  routes: readonly Route[],
  run: (
    port: number,
    service: ReturnType<typeof toyService>,
  ) => Promise<void>,
  options: Partial<PublicListenerOptions> = {},
) {
  const service = toyService(routes);
  const handler = createHandler(service, {
    listener: "public",
    routes,
    problems: httpProblems,
    trustedProxies: { has: () => false },
    requestTimeoutMs: 30_000,
    bodyTimeoutMs: 200,
    maxBodyBytes: 1000,
  });
  const part = publicListener(handler, {
    hostname: "127.0.0.1",
    port: 0,
    log: service.kernel.log,
    ...options,
  });
  await part.start!(new AbortController().signal);
  try {
    await run(part.address!.port, service);
  } finally {
    service.drain.abort();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), 1000);
    await part.drain!(deadline.signal);
    clearTimeout(timer);
    await part.stop!();
  }
}

/** Writes chunks one by one; everything that comes back until the peer ends or time is up. */
function drip(
  port: number,
  chunks: string[],
  everyMs: number,
): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    const timer = setInterval(() => {
      const chunk = chunks.shift();
      if (chunk !== undefined) socket.write(chunk);
    }, everyMs);
    const giveUp = setTimeout(() => socket.destroy(), 2000);
    socket.on("data", (data) => {
      text += new TextDecoder().decode(data);
      socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(timer);
      clearTimeout(giveUp);
      resolve(text);
    });
  });
}

const echo: Route = {
  method: "POST",
  path: "/echo",
  handle: async (_request, { body }) => new Response(await body()),
};

Deno.test("a body that drips in is refused with 408 at its deadline", async () => {
  await listening([echo], async (port) => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
    const startedMs = performance.now();
    const text = await drip(port, [head, ..."abcdefghijklmnopqrst"], 30);
    match(text, /^HTTP\/1\.1 408 /);
    match(text, /body-timeout/);
    ok(performance.now() - startedMs < 1000);
  });
});

Deno.test("a body is counted while it streams, and refused with 413", async () => {
  await listening([echo], async (port) => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `190\r\n${"x".repeat(400)}\r\n`;
    const text = await drip(port, [head, chunk, chunk, chunk, chunk], 5);
    match(text, /^HTTP\/1\.1 413 /);
  });
});

Deno.test("chunks count for more than a length declared beside them", async () => {
  await listening([echo], async (port) => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `190\r\n${"x".repeat(400)}\r\n`;
    const text = await drip(port, [head, chunk, chunk, chunk, chunk], 5);
    match(text, /^HTTP\/1\.1 4(?:00|13) /);
  });
});

Deno.test("a client that leaves amid its body is counted, and no failure", async () => {
  const ended = Promise.withResolvers<void>();
  const route: Route = {
    ...echo,
    handle: async (_request, { body }) => {
      try {
        return new Response(await body());
      } finally {
        ended.resolve();
      }
    },
  };
  await listening([route], async (port, service) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    const head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc";
    socket.write(head, () => socket.destroy());
    await ended.promise;
    await new Promise<void>((resolve) => setTimeout(resolve));
    const { body } = await service.kernel.metrics.expose();
    match(body, /path="\/echo",status_code="499"\} 1/);
    strictEqual(/status_code="5/.test(body), false);
  });
});

Deno.test("a short body is read whole", async () => {
  await listening([echo], async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/echo`, {
      method: "POST",
      body: "hello",
    });
    strictEqual(await response.text(), "hello");
  });
});

Deno.test("a client that leaves aborts its handler's signal", async () => {
  const left = Promise.withResolvers<void>();
  const slow: Route = {
    method: "GET",
    path: "/slow",
    handle: (_request, { signal }) => {
      signal.addEventListener("abort", () => left.resolve());
      return new Promise(() => {});
    },
  };
  await listening([slow], async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await pause(50);
    socket.destroy();
    await left.promise;
  });
});

Deno.test("a slow reader of a stream does not fill memory", async () => {
  let asked = 0;
  const block = "x".repeat(64 * 1024);
  const live: Route = {
    method: "GET",
    path: "/live",
    timeoutMs: "none",
    handle: (_request, context) =>
      eventStream(
        (async function* () {
          while (!context.signal.aborted) {
            asked++;
            yield { data: block };
            await pause(0);
          }
        })(),
        context,
      ),
  };
  await listening([live], async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.pause();
    socket.write("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    await pause(300);
    const before = asked;
    await pause(300);
    // What fits into the buffers of two sockets, and then no more.
    strictEqual(asked, before);
    ok(asked < 400, `${asked} blocks of 64 KiB were made`);
    socket.destroy();
    await pause(50);
  });
});

Deno.test("an occupied public port names variable, host, port and remedy", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  try {
    await rejects(listening([], () => Promise.resolve(), { port }), {
      code: "port-unavailable",
      message: `Cannot open the public listener on 127.0.0.1 port ${port} ` +
        "(SERVICE_HOST, SERVICE_PORT): another process has it; stop that " +
        "process or set SERVICE_PORT to a free port",
    });
  } finally {
    other.close();
  }
});

/** The serial number of the certificate that a new connection is shown. */
function serialOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls(
      { port, host: "127.0.0.1", rejectUnauthorized: false },
      () => {
        const { serialNumber } = socket.getPeerCertificate();
        socket.on("close", () => resolve(serialNumber));
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

Deno.test("a changed certificate is taken up, a broken one is not, and nobody is cut off", async () => {
  const folder = await Deno.makeTempDir();
  const tls = { certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` };
  const write = async () => {
    const { cert, key } = createSelfSignedCertificate(
      ["localhost"],
      Date.now(),
    );
    await Deno.writeTextFile(tls.certFile, cert);
    await Deno.writeTextFile(tls.keyFile, key);
  };
  const slow: Route = {
    method: "GET",
    path: "/slow",
    handle: async () => {
      await pause(600);
      return new Response("slow");
    },
  };
  await write();
  try {
    await listening([slow], async (port, service) => {
      const first = await serialOf(port);
      const underWay = new Deno.Command("curl", {
        args: ["-sk", `https://127.0.0.1:${port}/slow`],
      }).output();
      await pause(200);
      await Deno.writeTextFile(tls.keyFile, "broken");
      await pause(150);
      strictEqual(await serialOf(port), first);
      ok(service.logLines.some(({ level }) => level === "ERROR"));
      await write();
      await pause(150);
      const seen = new Set<string>();
      for (let i = 0; i < 10; i++) seen.add(await serialOf(port));
      ok([...seen].some((serial) => serial !== first), "not taken up");
      strictEqual(
        new TextDecoder().decode((await underWay).stdout),
        "slow",
      );
    }, { tls, reloadEveryMs: 30 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a key of another certificate fails the start", async () => {
  const folder = await Deno.makeTempDir();
  const tls = { certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` };
  const one = createSelfSignedCertificate(["localhost"], Date.now());
  const two = createSelfSignedCertificate(["localhost"], Date.now());
  await Deno.writeTextFile(tls.certFile, one.cert);
  await Deno.writeTextFile(tls.keyFile, two.key);
  try {
    await rejects(listening([], () => Promise.resolve(), { tls }), {
      code: "tls-unusable",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
