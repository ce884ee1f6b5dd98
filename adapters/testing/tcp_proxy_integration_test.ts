import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { sharedRedis, tcpProxy, testPrefix } from "./mod.ts";

const redis = await sharedRedis();

async function ask(
  link: Deno.Conn,
  line: string,
  withinMs = 2000,
): Promise<string> {
  await link.write(new TextEncoder().encode(`${line}\r\n`));
  return await answer(link, withinMs);
}

async function answer(link: Deno.Conn, withinMs = 2000): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("nothing"), withinMs);
  const buffer = new Uint8Array(256);
  void link.read(buffer).then(
    (length) =>
      resolve(
        length === null
          ? "closed"
          : new TextDecoder().decode(buffer.subarray(0, length)).trim(),
      ),
    () => resolve("closed"),
  );
  return await promise.finally(() => clearTimeout(timer));
}

Deno.test("tcpProxy() passes, and cuts present connections", async () => {
  await using proxy = tcpProxy(redis);
  using link = await Deno.connect({ hostname: proxy.host, port: proxy.port });
  assertEquals(await ask(link, "PING"), "+PONG");
  proxy.cut();
  assertEquals(await answer(link), "closed");
});

Deno.test("tcpProxy() drops the reply of a write that was applied", async () => {
  const key = `${testPrefix()}key`;
  await using proxy = tcpProxy(redis);
  const link = await Deno.connect({ hostname: proxy.host, port: proxy.port });
  proxy.mode = "drop-replies";
  assertEquals(await ask(link, `SET ${key} 1`, 200), "nothing");
  link.close();
  assertEquals(await redis.cli("GET", key), "1");
});

Deno.test("tcpProxy() stalls, and lets the held bytes pass later", async () => {
  await using proxy = tcpProxy(redis);
  using link = await Deno.connect({ hostname: proxy.host, port: proxy.port });
  assertEquals(await ask(link, "PING"), "+PONG");
  proxy.mode = "stall";
  const late = ask(link, "PING", 5000);
  const first = await Promise.race([
    late,
    new Promise((resolve) => setTimeout(resolve, 200, "stalled")),
  ]);
  assertEquals(first, "stalled");
  proxy.mode = "pass";
  assertEquals(await late, "+PONG");
});

Deno.test("tcpProxy() refuses new connections and delays the present ones", async () => {
  await using proxy = tcpProxy(redis);
  using link = await Deno.connect({ hostname: proxy.host, port: proxy.port });
  proxy.delayMs = 60;
  const began = performance.now();
  assertEquals(await ask(link, "PING"), "+PONG");
  assertEquals(performance.now() - began >= 120, true);
  proxy.mode = "refuse";
  using late = await Deno.connect({ hostname: proxy.host, port: proxy.port });
  assertEquals(await ask(late, "PING").catch(() => "closed"), "closed");
});
