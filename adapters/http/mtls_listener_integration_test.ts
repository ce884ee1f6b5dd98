import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  createTestAuthority,
  createTestCertificate,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import type { Route } from "@mainstay/kernel/lifecycle";
import { parseNetworks } from "./cidr.ts";
import { createHandler } from "./create_handler.ts";
import { der, oid, pem, sequence, TAG } from "./der_writer.ts";
import { mtlsListener } from "./mtls_listener.ts";
import { httpProblems } from "./problem.ts";
import { toyService } from "./tests/toy_service.ts";

const authority = createTestAuthority();
const serverPair = authority.issue({
  subject: [["CN", "localhost"]],
  hosts: ["localhost"],
});

const whoami: Route = {
  method: "POST",
  path: "/whoami",
  async handle(_request, context) {
    const certificate = context.clientCertificate;
    return Response.json({
      subject: certificate && new X509Certificate(certificate.der).subject,
      trusted: certificate?.trusted,
      body: new TextDecoder().decode(await context.body()),
    });
  },
};

/** A key file that says of another's private key that it is the certificate's. */
function keyThatLies(victim: TestCertificate, thief: TestCertificate): string {
  const bytes = (text = "") =>
    Uint8Array.fromBase64(text, { alphabet: "base64url" });
  const { d } = createPrivateKey(thief.key).export({ format: "jwk" });
  const { x, y } = new X509Certificate(victim.cert).publicKey
    .export({ format: "jwk" });
  const point = Uint8Array.of(0, 4, ...bytes(x), ...bytes(y));
  return pem(
    "EC PRIVATE KEY",
    sequence(
      der(TAG.integer, Uint8Array.of(1)),
      der(TAG.octets, bytes(d)),
      der(0xa0, oid("2a8648ce3d030107")),
      der(0xa1, der(TAG.bits, point)),
    ),
  );
}

/** What the listener says of the client to openssl, which is not particular about keys. */
async function askWithOpenssl(
  { cert, key }: TestCertificate,
  port: number,
  options: readonly string[] = [],
): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/cert.pem`, cert);
    await Deno.writeTextFile(`${folder}/key.pem`, key);
    const child = new Deno.Command("openssl", {
      args: [
        ...["s_client", "-ign_eof", "-connect", `127.0.0.1:${port}`],
        ...["-servername", "localhost", ...options],
        ...["-cert", `${folder}/cert.pem`, "-key", `${folder}/key.pem`],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(
      "POST /whoami HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ));
    const text = await new Response(child.stdout).text();
    await writer.close().catch(() => {});
    await child.status;
    if (!text.includes("200 OK")) return "refused";
    const [, name, trusted] =
      /"subject":"CN=([^"]*)","trusted":(true|false)/.exec(text) ?? [];
    const session = /\nReused, /.test(text) ? "again " : "";
    return session + (name ? `${name} ${trusted}` : "nobody");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const hasOpenssl = await new Deno.Command("openssl", { args: ["version"] })
  .output().then(({ success }) => success, () => false);

async function startListener(routes: readonly Route[] = [whoami]) {
  await using started = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  started.defer(() => Deno.remove(folder, { recursive: true }));
  const tls = { certFile: `${folder}/cert.pem`, keyFile: `${folder}/key.pem` };
  const caFile = `${folder}/ca.pem`;
  await Deno.writeTextFile(tls.certFile, serverPair.cert);
  await Deno.writeTextFile(tls.keyFile, serverPair.key);
  await Deno.writeTextFile(caFile, authority.cert);
  const service = toyService(routes);
  const handler = createHandler(service, {
    listener: "public",
    routes,
    problems: httpProblems,
    trustedProxies: parseNetworks([]),
    requestTimeoutMs: 5_000,
    bodyTimeoutMs: 5_000,
    maxBodyBytes: 100_000,
  });
  started.defer(() => handler.close());
  const listener = mtlsListener(handler, {
    hostname: "127.0.0.1",
    port: 0,
    tls,
    caFile,
    log: service.kernel.log,
  });
  await listener.start!(new AbortController().signal);
  started.defer(() => listener.stop!());
  const owned = started.move();
  return {
    listener,
    url: `https://localhost:${listener.address!.port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function clientWith(pair?: TestCertificate): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [authority.cert], ...pair });
}

Deno.test("the listener hands on the certificate that a client shows, and whether it is vouched for", async () => {
  await using server = await startListener();
  const subject = [["O", "Acme, Inc."], ["CN", "worker"]] as const;
  const ask = async (pair?: TestCertificate) => {
    using client = clientWith(pair);
    const response = await fetch(`${server.url}/whoami`, {
      method: "POST",
      body: "x".repeat(50_000),
      client,
    });
    const { body, ...rest } = await response.json();
    strictEqual(body.length, 50_000);
    return rest;
  };

  assertEquals(await ask(authority.issue({ subject })), {
    subject: "O=Acme, Inc.\nCN=worker",
    trusted: true,
  });
  assertEquals(await ask(createTestCertificate({ subject })), {
    subject: "O=Acme, Inc.\nCN=worker",
    trusted: false,
  });
  assertEquals(await ask(createTestAuthority().issue({ subject })), {
    subject: "O=Acme, Inc.\nCN=worker",
    trusted: false,
  });
  assertEquals(await ask(), {});
});

Deno.test("a body that is too long is refused, and the listener goes on", async () => {
  await using server = await startListener();
  using client = clientWith();
  const post = async (bytes: number) => {
    const response = await fetch(`${server.url}/whoami`, {
      method: "POST",
      body: "x".repeat(bytes),
      client,
    });
    await response.body?.cancel();
    return response.status;
  };

  strictEqual(await post(200_000), 413);
  strictEqual(await post(10), 200);
});

Deno.test("drain waits for the requests in hand and takes no others", async () => {
  const entered = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const slow: Route = {
    method: "GET",
    path: "/slow",
    async handle() {
      entered.resolve();
      await finish.promise;
      return new Response("done");
    },
  };
  await using server = await startListener([slow]);
  using client = clientWith();
  const answer = fetch(`${server.url}/slow`, { client });
  await entered.promise;

  const drained = server.listener.drain!(new AbortController().signal);
  using other = clientWith();
  await rejects(fetch(`${server.url}/slow`, { client: other }));
  finish.resolve();

  strictEqual(await (await answer).text(), "done");
  client.close();
  await drained;
});

Deno.test({
  name:
    "a certificate counts for who has its key, and not at all where that is not checked",
  ignore: !hasOpenssl,
  async fn() {
    await using server = await startListener();
    const { port } = server.listener.address!;
    const subject = [["CN", "victim"]] as const;
    const thief = createTestCertificate({ subject });
    const victim = createTestCertificate({ subject });
    const old = createTestCertificate({ subject, version: 1 });
    const stolen = ({ cert, key }: TestCertificate) => ({
      cert,
      key: keyThatLies({ cert, key }, thief),
    });

    strictEqual(await askWithOpenssl(victim, port), "victim false");
    strictEqual(await askWithOpenssl(stolen(victim), port), "refused");
    strictEqual(await askWithOpenssl(old, port), "nobody");
    strictEqual(await askWithOpenssl(stolen(old), port), "nobody");
  },
});

Deno.test({
  name: "a certificate is trusted no more on a session that is resumed",
  ignore: !hasOpenssl,
  async fn() {
    await using server = await startListener();
    const { port } = server.listener.address!;
    const subject = [["CN", "worker"]] as const;
    const folder = await Deno.makeTempDir();
    const own = createTestCertificate({ subject });
    const given = authority.issue({ subject });
    for (const version of ["-tls1_3", "-tls1_2"]) {
      for (const [pair, trusted] of [[own, false], [given, true]] as const) {
        const session = `${folder}/${version}${trusted}`;
        const begin = [version, "-sess_out", session];
        const again = [version, "-sess_in", session];
        strictEqual(
          await askWithOpenssl(pair, port, begin),
          `worker ${trusted}`,
        );
        strictEqual(
          await askWithOpenssl(pair, port, again),
          `again worker ${trusted}`,
        );
      }
    }
    await Deno.remove(folder, { recursive: true });
  },
});
