import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import {
  assertFaster,
  bestOfThree,
  eventually,
  freePort,
  startProcess,
  type TestProcess,
} from "@mainstay/adapters/testing";
import { findRedis, stateFolder } from "@mainstay/tools/local_stack";

/** A state folder of a test's own that knows the downloaded Redis, if there is one. */
async function openHome() {
  await findRedis();
  const home = await Deno.makeTempDir({ prefix: "mainstay-home-" });
  const downloaded = `${await stateFolder()}/redis-server`;
  await Deno.symlink(downloaded, `${home}/redis-server`);
  const env = {
    MAINSTAY_HOME: home,
    SERVICE_PORT: String(freePort()),
    ADMIN_PORT: String(freePort()),
    TEST_EVENT_SCHEDULE: "off",
    REDIS_HOST: "",
  };
  return {
    env,
    url: `http://localhost:${env.SERVICE_PORT}`,
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

type Home = Awaited<ReturnType<typeof openHome>>;

function up({ env }: Home, ...args: string[]): Promise<TestProcess> {
  return startProcess(["run", "-A", "cli/main.ts", "up", "events", ...args], {
    env,
  });
}

async function publish({ url }: Home, aggregateId: string): Promise<number> {
  const response = await fetch(`${url}/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ event: "order.created", aggregateId, data: {} }),
  });
  await response.body?.cancel();
  return response.status;
}

async function read({ url }: Home): Promise<string> {
  return await (await fetch(`${url}/events?from=0`)).text();
}

function isListening(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return false;
  } catch {
    return true;
  }
}

Deno.test("mainstay up serves, ends in order on Ctrl-C, and keeps its events", async () => {
  await using home = await openHome();
  {
    await using first = await up(home);
    const [, redis] = await first.waitForOutput(/redis +127\.0\.0\.1:(\d+)/);
    strictEqual(await publish(home, "kept-1"), 202);
    first.kill("SIGINT");
    strictEqual(await first.exited, 0);
    strictEqual(isListening(Number(redis)), false);
  }
  const began = performance.now();
  await using second = await up(home);
  await second.waitForOutput(/Up in/);
  ok(performance.now() - began < 3000, "a second start takes under 3 s");
  match(await read(home), /kept-1/);
});

Deno.test("mainstay up leaves no Redis behind after kill -9, and keeps its events", async () => {
  await using home = await openHome();
  {
    await using first = await up(home);
    const [, redis] = await first.waitForOutput(/redis +127\.0\.0\.1:(\d+)/);
    strictEqual(await publish(home, "kept-2"), 202);
    first.kill("SIGKILL");
    await first.exited;
    await eventually("Redis has ended", () => !isListening(Number(redis)));
  }
  await using second = await up(home);
  await second.waitForOutput(/Up in/);
  match(await read(home), /kept-2/);
});

Deno.test("mainstay up says that its Redis was killed, and next that its data is broken", async () => {
  await using home = await openHome();
  const folder = `${home.env.MAINSTAY_HOME}/redis`;
  {
    await using first = await up(home);
    await first.waitForOutput(/Up in/);
    Deno.kill(
      Number(await Deno.readTextFile(`${folder}/redis.pid`)),
      "SIGKILL",
    );
    await first.waitForOutput(
      /private redis has ended with 137; its log is in/,
    );
    first.kill("SIGINT");
    strictEqual(await first.exited, 0);
  }
  const log = `${folder}/appendonlydir/appendonly.aof.1.incr.aof`;
  await Deno.writeTextFile(log, "no command\r\n".repeat(9));
  await using second = await up(home);
  strictEqual(await second.exited, 1);
  match(
    await second.stderr(),
    /^Cannot start Redis: it exited with 1 .*Bad file format.*redis\.log\n$/,
  );
});

Deno.test("mainstay up says where it cannot write", async () => {
  await using home = await openHome();
  // Also root cannot make a folder below a file.
  const file = `${home.env.MAINSTAY_HOME}/file`;
  await Deno.writeTextFile(file, "");
  Object.assign(home.env, { MAINSTAY_HOME: `${file}/home` });
  await using process = await up(home);
  strictEqual(await process.exited, 1);
  match(
    await process.stderr(),
    /^Cannot start redis: .*\(os error \d+\) in .*\/file\/home; .*MAINSTAY_HOME\n$/,
  );
});

Deno.test("mainstay up says which process holds the stack", async () => {
  await using home = await openHome();
  await using first = await up(home);
  await first.waitForOutput(/Up in/);
  await using other = await startProcess(
    ["run", "-A", "cli/main.ts", "up", "events", "--json"],
    {
      env: {
        ...home.env,
        SERVICE_PORT: String(freePort()),
        ADMIN_PORT: String(freePort()),
      },
    },
  );
  strictEqual(await other.exited, 1);
  const { error } = JSON.parse(await other.stdout());
  assertEquals(error.code, "stack-unavailable");
  match(error.message, new RegExp(`in use by process ${first.pid}\\b`));
});

Deno.test("mainstay up names an occupied port and its variable, and starts nothing", async () => {
  await using home = await openHome();
  using _taken = Deno.listen({
    hostname: "127.0.0.1",
    port: Number(home.env.SERVICE_PORT),
  });
  await using process = await up(home);
  strictEqual(await process.exited, 1);
  match(
    await process.stderr(),
    new RegExp(`port ${home.env.SERVICE_PORT} is in use.*SERVICE_PORT`),
  );
});

Deno.test("mainstay up names every mistake of the configuration: exit code 2", async () => {
  await using home = await openHome();
  Object.assign(home.env, { LOG_LEVEL: "LOUD", STREAM_SHARDS: "0" });
  await using process = await up(home);
  strictEqual(await process.exited, 2);
  match(await process.stderr(), /LOG_LEVEL[^]*STREAM_SHARDS/);
});

Deno.test("mainstay up --json prints one document once it is up", async () => {
  await using home = await openHome();
  await using process = await up(home, "--json");
  await eventually("a document", async () => await process.stdout() !== "");
  const { services, servers } = JSON.parse(await process.stdout());
  strictEqual(services[0].url, home.url);
  strictEqual(servers[0].name, "redis");
  strictEqual(await publish(home, "json-1"), 202);
  process.kill("SIGTERM");
  strictEqual(await process.exited, 0);
  strictEqual((await process.stdout()).trim().split("\n").length, 1);
});

async function tokenFor(
  issuer: string,
  secret: string,
  scope: string,
): Promise<string> {
  const answer = await fetch(`${issuer}/oauth2/v1/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "demo",
      client_secret: secret,
      scope,
    }),
  });
  return (await answer.json()).access_token;
}

async function publishWith(port: string, token: string): Promise<number> {
  const response = await fetch(`http://localhost:${port}/events`, {
    method: "POST",
    headers: {
      "authorization": `Bearer ${token}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ event: "a.b", aggregateId: "c", data: {} }),
  });
  await response.body?.cancel();
  return response.status;
}

/** Does what the announcement says to try. */
async function sendDemoWebhook(announced: string): Promise<string> {
  const [, url = "", file = "", signature = ""] =
    /(http\S+\/hooks\/demo\/github)[^]*--data-binary '@([^']+)'[^]*(sha256=[0-9a-f]{64})/
      .exec(announced) ?? [];
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": signature,
    },
    body: await Deno.readFile(file),
  });
  strictEqual(response.status, 202);
  return (await response.json()).runId;
}

Deno.test("mainstay up runs every service, whose tokens are good for one another, whose workflows run, and again within 3 s", async () => {
  await using home = await openHome();
  const names = ["events", "authz", "idp", "rs", "spa", "meshhook"];
  const ports = names.flatMap((name) => [
    [`${name.toUpperCase()}_SERVICE_PORT`, String(freePort())],
    [`${name.toUpperCase()}_ADMIN_PORT`, String(freePort())],
  ]);
  const { SERVICE_PORT: _1, ADMIN_PORT: _2, ...rest } = home.env;
  const env = { ...rest, DATABASE_URL: "", ...Object.fromEntries(ports) };
  const start = () => startProcess(["run", "-A", "cli/main.ts", "up"], { env });
  let secret = "";
  {
    await using first = await start();
    await first.waitForOutput(/Up in[^]*client_secret=\S+/, 60_000);
    const out = await first.stdout();
    secret = /client_secret=(\S+)/.exec(out)?.[1] ?? "";
    const token = (scope: string) =>
      tokenFor(`http://localhost:${env.AUTHZ_SERVICE_PORT}`, secret, scope);
    const publishing = await token("events:publish");
    strictEqual(await publishWith(env.EVENTS_SERVICE_PORT!, publishing), 202);
    const reading = await token("events:read");
    strictEqual(await publishWith(env.EVENTS_SERVICE_PORT!, reading), 403);
    const runId = await sendDemoWebhook(out);
    const events = `http://localhost:${env.EVENTS_SERVICE_PORT}/events?from=0`;
    await eventually(
      "the webhook's workflow has called the receiver and published",
      async () =>
        /Codertocat:Hello-World:1.*"receipt":"[0-9a-f-]{36}:notify"/.test(
          await (await fetch(events)).text(),
        ),
    );
    // All find what runs here by themselves.
    const folder = await Deno.makeTempDir();
    const backup = `${folder}/first`;
    for (
      const args of [["runs", "watch", runId], ["verify"], ["backup", backup]]
    ) {
      await using command = await startProcess(
        ["run", "-A", "cli/main.ts", "meshhook", ...args],
        { env },
      );
      strictEqual(await command.exited, 0, await command.stderr());
    }
    await Deno.remove(folder, { recursive: true });
    first.kill("SIGINT");
    strictEqual(await first.exited, 0);
  }
  await bestOfThree(async () => {
    const began = performance.now();
    await using second = await start();
    await second.waitForOutput(/Up in/);
    match(await second.stdout(), new RegExp(`client_secret=${secret}`));
    const tookMs = performance.now() - began;
    second.kill("SIGINT");
    strictEqual(await second.exited, 0);
    assertFaster(Math.round(tookMs), 3_000, "a second start");
  });
});

Deno.test("mainstay up refuses one port for several services, and a service that there is not", async () => {
  await using home = await openHome();
  await using shared = await startProcess(["run", "-A", "cli/main.ts", "up"], {
    env: home.env,
  });
  strictEqual(await shared.exited, 2);
  match(await shared.stderr(), /EVENTS_SERVICE_PORT/);
  const database = "postgres://127.0.0.1/one";
  await using both = await startProcess(["run", "-A", "cli/main.ts", "up"], {
    env: { ...home.env, DATABASE_URL: database },
  });
  strictEqual(await both.exited, 2);
  match(await both.stderr(), /set MESHHOOK_DATABASE_URL/);
  await using unknown = await up(home, "authy");
  strictEqual(await unknown.exited, 2);
  match(
    await unknown.stderr(),
    /Unknown service "authy": did you mean "authz"/,
  );
});
