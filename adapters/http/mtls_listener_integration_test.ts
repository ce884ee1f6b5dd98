import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import {
  createTestAuthority,
  createTestCertificate,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import type { Route } from "@mainstay/kernel/lifecycle";
import { parseNetworks } from "./cidr.ts";
import { createHandler } from "./create_handler.ts";
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
