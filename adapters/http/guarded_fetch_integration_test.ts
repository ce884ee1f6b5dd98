import {
  deepStrictEqual as assertEquals,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { guardedFetch, OutboundRefused } from "./guarded_fetch.ts";
import { isPrivateAddress } from "./private_networks.ts";

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  return { server, url: `http://localhost:${server.addr.port}/` };
}

async function refused(run: Promise<unknown>, state: string): Promise<void> {
  await rejects(
    run,
    (failure) =>
      failure instanceof OutboundRefused &&
      failure.message === `Cannot ask the address: ${state}`,
  );
}

Deno.test("isPrivateAddress() knows the machine's own, the neighbours' and the special ones", () => {
  const addresses = [
    ...["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1"],
    ...["169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255"],
    ...["::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1"],
    ...["::ffff:7f00:1", "64:ff9b::a00:1", "2002:7f00:1::"],
  ];
  for (const address of addresses) {
    strictEqual(isPrivateAddress(address), true, address);
  }
  for (const address of ["1.1.1.1", "172.32.0.1", "2606:4700::1111"]) {
    strictEqual(isPrivateAddress(address), false, address);
  }
});

Deno.test("guardedFetch() asks nothing of this machine and its networks", async () => {
  let asked = 0;
  const { server, url } = serve(() => {
    asked += 1;
    return new Response("secret");
  });
  const { port } = server.addr;

  await refused(guardedFetch(url), "it is not https");
  const state = "it is not on the public internet";
  for (
    const host of [
      ...["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1"],
      ...["[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"],
    ]
  ) await refused(guardedFetch(`https://${host}:${port}/`), state);
  await refused(
    guardedFetch("https://a:b@one.example/"),
    "it holds credentials",
  );
  await refused(guardedFetch("file:///etc/passwd"), "it is not https");
  await refused(guardedFetch("nothing"), "it is no URL");

  strictEqual(asked, 0);
  await server.shutdown();
});

Deno.test("guardedFetch() gives status and body, and follows no redirect", async () => {
  const { server, url } = serve(async (request) =>
    request.method === "POST"
      ? new Response(await request.text(), { status: 201 })
      : Response.redirect(url)
  );

  assertEquals(
    await guardedFetch(url, { method: "POST", body: "é", allowPrivate: true }),
    { status: 201, body: "é" },
  );
  strictEqual((await guardedFetch(url, { allowPrivate: true })).status, 302);
  await server.shutdown();
});

Deno.test("guardedFetch() bears no long answer and no long wait", async () => {
  const never = Promise.withResolvers<Response>();
  const { server, url } = serve((request) =>
    request.url.endsWith("/slow")
      ? never.promise
      : new Response("x".repeat(100_000))
  );

  await refused(
    guardedFetch(url, { allowPrivate: true }),
    "it answers more than 65536 bytes",
  );
  await refused(
    guardedFetch(`${url}slow`, { allowPrivate: true, timeoutMs: 200 }),
    "it does not answer in time",
  );
  never.resolve(new Response());
  await server.shutdown();
});
