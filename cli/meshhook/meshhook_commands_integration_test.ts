/**
 * `mainstay meshhook …` against a real server, worker and database.
 *
 * @module
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac } from "node:crypto";
import { startProcess, tcpProxy } from "@mainstay/adapters/testing";
import { startMeshhook } from "../../services/meshhook/tests/start_meshhook.ts";
import {
  checkAudit,
  checkExport,
  checkSettings,
} from "./tests/check_project.ts";
import { MAIN, type Outcome, runApart, runHere } from "./tests/run_mainstay.ts";

const SECRET = "a long enough secret";

/** A target that fails as long as it is told to. */
function serveTarget() {
  const state = { fails: false, keys: [] as Array<string | null> };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      state.keys.push(request.headers.get("idempotency-key"));
      return new Response(null, { status: state.fails ? 500 : 200 });
    },
  );
  return {
    state,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const workflow = (port: number, delayMs = 0) =>
  JSON.stringify({
    nodes: [
      { id: "hook", type: "webhook" },
      { id: "sum", type: "transform", expression: "sum(trigger.body.n)" },
      { id: "wait", type: "delay", delayMs },
      {
        id: "call",
        type: "http_call",
        url: `http://127.0.0.1:${port}/`,
        retry: { maxAttempts: 2, baseDelayMs: 10 },
      },
    ],
    edges: [
      { from: "hook", to: "sum" },
      { from: "sum", to: "wait" },
      { from: "wait", to: "call" },
    ],
  });

Deno.test("mainstay meshhook leads from nothing to a signed webhook's run, and to its dead letter", async (t) => {
  await using target = serveTarget();
  await using meshhook = await startMeshhook({
    TARGETS: `127.0.0.1:${target.port}`,
  });
  const home = await Deno.makeTempDir({ prefix: "mainstay-home-" });
  const env: Record<string, string> = {
    MAINSTAY_HOME: home,
    MESHHOOK_DATABASE_URL: meshhook.server.url(),
    MESHHOOK_KEK: new Uint8Array(32).fill(9).toBase64(),
    MAINSTAY_MESHHOOK_URL: meshhook.url,
    USER: "mia",
  };

  async function mainstay(
    args: readonly string[],
    { input, changes = {} }: {
      readonly input?: string;
      readonly changes?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Outcome> {
    const all = { ...env, ...changes };
    return input === undefined
      ? await runHere(args, all)
      : await runApart(args, all, input);
  }
  async function json(args: readonly string[], input?: string) {
    const { code, out, err } = await mainstay(
      [...args, "--json"],
      input === undefined ? {} : { input },
    );
    strictEqual(code, 0, err);
    return JSON.parse(out);
  }
  async function deliver(body: string): Promise<string> {
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const response = await fetch(`${meshhook.url}/hooks/shop/orders`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-hub-signature-256": `sha256=${signature}`,
      },
      body,
    });
    strictEqual(response.status, 202);
    return (await response.json()).runId;
  }

  const { postgres } = meshhook;
  const shop = { mainstay, json, postgres, secret: SECRET };

  await t.step("a database that is not MeshHook's is told", async () => {
    await meshhook.postgres.query("CREATE DATABASE another");
    const { code, err } = await mainstay(["verify"], {
      changes: { MESHHOOK_DATABASE_URL: meshhook.server.url("another") },
    });
    strictEqual(code, 1);
    match(err, /lacks 0001_meshhook\.sql.*; start a server of MeshHook on it/);
  });

  await t.step("a project is made with a key; keys come and go", async () => {
    const { key } = await json(["projects", "create", "shop"]);
    const twice = await mainstay(["projects", "create", "shop"]);
    assertEquals([twice.code, twice.out], [1, ""]);
    match(twice.err, /there is a project shop already/);
    strictEqual((await mainstay(["projects", "create", "A B"])).code, 2);
    const lost = await mainstay(["workflows", "list"]);
    strictEqual(lost.code, 2);
    match(lost.err, /MAINSTAY_MESHHOOK_PROJECT is needed/);
    env["MAINSTAY_MESHHOOK_PROJECT"] = "shop";
    const keyless = await mainstay(["workflows", "list"]);
    strictEqual(keyless.code, 2);
    match(keyless.err, /"mainstay meshhook projects keys create shop <name>"/);
    const second = await json(["projects", "keys", "create", "shop", "ci"]);
    env["MAINSTAY_MESHHOOK_KEY"] = second.key;
    assertEquals(await json(["workflows", "list"]), { workflows: [] });
    const { keys } = await json(["projects", "keys", "list", "shop"]);
    assertEquals(keys.map(({ name }: { name: string }) => name), [
      "ci",
      "first",
    ]);
    await json(["projects", "keys", "revoke", "shop", "ci"]);
    const revoked = await mainstay(["workflows", "list"]);
    strictEqual(revoked.code, 1);
    match(revoked.err, /unknown, or was revoked; .* makes another/);
    env["MAINSTAY_MESHHOOK_KEY"] = key;
    const other = await mainstay(["runs", "list", "--project", "nowhere"]);
    strictEqual(other.code, 1);
    match(other.err, /Cannot work in project nowhere: .* another project's/);
    const missing = await mainstay(["projects", "keys", "list", "nowhere"]);
    match(missing.err, /there is no project nowhere/);
  });

  await t.step(
    "an operator sets what a project is held to",
    () => checkSettings(shop),
  );

  await t.step("secret, workflow and hook are set up", async () => {
    const empty = await mainstay(["secrets", "set", "webhook"], { input: "" });
    strictEqual(empty.code, 1);
    await json(["secrets", "set", "webhook"], `${SECRET}\n`);
    const { secrets } = await json(["secrets", "list"]);
    strictEqual(secrets[0].name, "webhook");
    const publish = ["workflows", "publish", "orders", "-"];
    const circle = await mainstay(publish, {
      input: JSON.stringify({
        nodes: [
          { id: "hook", type: "webhook" },
          { id: "a", type: "transform", expression: "(" },
          { id: "b", type: "delay", delayMs: 1 },
        ],
        edges: [
          { from: "hook", to: "a" },
          { from: "a", to: "b" },
          { from: "b", to: "a" },
        ],
      }),
    });
    strictEqual(circle.code, 1);
    match(
      circle.err,
      /nodes\/1: "a" is part of a circle[^]*nodes\/2: "b"[^]*nodes\/1\/expression: The expression is no/,
    );
    const noJson = await mainstay(publish, { input: "{" });
    strictEqual(noJson.code, 2);
    match(noJson.err, /- holds no JSON/);
    const input = workflow(target.port);
    assertEquals(await json([...publish, "--draft"], input), {
      name: "orders",
      draft: true,
    });
    match(
      (await mainstay(["workflows", "show", "orders"])).err,
      /was never published/,
    );
    assertEquals(await json(publish, input), { name: "orders", version: 1 });
    const shown = await json(["workflows", "show", "orders"]);
    strictEqual(shown.nodes[1].expression, "sum(trigger.body.n)");
    const set = ["hooks", "set", "orders", "--scheme", "github", "--secret"];
    const noWorkflow = await mainstay([...set, "webhook", "--workflow", "x"]);
    match(noWorkflow.err, /\/workflow: There is no workflow x/);
    const { url } = await json([...set, "webhook", "--workflow", "orders"]);
    strictEqual(url, `${meshhook.url}/hooks/shop/orders`);
  });

  await t.step("watch waits for a run, and ends with it: 0", async () => {
    await using watch = await startProcess([...MAIN, "runs", "watch"], { env });
    await watch.waitForOutput(/Waiting for the next run/);
    const run = await deliver('{"n":[20,22]}');
    strictEqual(await watch.exited, 0);
    match(
      await watch.stdout(),
      new RegExp(
        `^Run ${run} of orders, version 1\n.* started .*\n.* sum +succeeded +42\n.* wait .*\n.* call +succeeded .*\n.* run +succeeded\n$`,
      ),
    );
    const replayed = await json(["replay", run]);
    assertEquals([replayed.status, replayed.differences], ["succeeded", []]);
    strictEqual(target.state.keys.length, 1);
    const { out } = await mainstay(["events", run, "--after", "3"]);
    assertEquals(
      out.trim().split("\n").map((line) => JSON.parse(line).event.type),
      ["step.succeeded", "run.succeeded"],
    );
  });

  await t.step("watch misses nothing when its connection is cut", async () => {
    await json(
      ["workflows", "publish", "orders", "-"],
      workflow(target.port, 2_500),
    );
    const { hostname: host, port } = new URL(meshhook.url);
    await using proxy = tcpProxy({ host, port: Number(port) });
    const run = await deliver('{"n":[1]}');
    await using watch = await startProcess(
      [...MAIN, "runs", "watch", run, "--json"],
      {
        env: {
          ...env,
          MAINSTAY_MESHHOOK_URL: `http://127.0.0.1:${proxy.port}`,
        },
      },
    );
    await watch.waitForOutput(/"node":"sum"/);
    proxy.mode = "refuse";
    proxy.cut();
    await watch.waitForOutput(/The connection was lost/);
    proxy.mode = "pass";
    strictEqual(await watch.exited, 0);
    const lines = (await watch.stdout()).trim().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).seq), [1, 2, 3, 4, 5]);
    ok(!`${lines}${await watch.stderr()}`.includes("apikey"));
  });

  await t.step(
    "a dead letter is redriven, with the key of before",
    async () => {
      await json(
        ["workflows", "publish", "orders", "-"],
        workflow(target.port),
      );
      target.state.fails = true;
      target.state.keys.length = 0;
      const { runId: run } = await json(
        ["runs", "test", "orders", "-"],
        '{"n":[3]}',
      );
      const watched = await mainstay(["runs", "watch", run]);
      strictEqual(watched.code, 1);
      match(
        watched.out,
        /call +failed +attempt 2: The answer was 500; given up/,
      );
      const { deadLetters } = await json(["dead-letters", "list"]);
      assertEquals(
        deadLetters.map((dead: { runId: string; node: string }) => [
          dead.runId,
          dead.node,
        ]),
        [[run, "call"]],
      );
      target.state.fails = false;
      strictEqual((await mainstay(["dead-letters", "redrive", run])).code, 0);
      strictEqual((await mainstay(["runs", "watch", run])).code, 0);
      assertEquals(target.state.keys, Array(3).fill(`${run}:call`));
      const again = await mainstay(["dead-letters", "redrive", run]);
      strictEqual(again.code, 1);
      match(again.err, /there is no dead letter of run/);
      const resumed = await mainstay(["runs", "resume", run, "--from", "call"]);
      match(resumed.err, /it is succeeded, and neither failed nor cancelled/);
      const { runs } = await json(["runs", "list"]);
      assertEquals(
        runs.map(({ status, test }: { status: string; test: boolean }) => [
          status,
          test,
        ]),
        [["succeeded", true], ["succeeded", false], ["succeeded", false]],
      );
    },
  );

  await t.step("verify and replay find what someone has changed", async () => {
    const sound = await mainstay(["verify", "--json"]);
    strictEqual(sound.code, 0, sound.out);
    strictEqual(JSON.parse(sound.out).unsound, 0);
    const { runs: [, changed, cut] } = await json(["runs", "list"]);
    await meshhook.postgres.query(
      `WITH off AS (SELECT set_config('session_replication_role', 'replica', true))
       UPDATE run_events SET event = jsonb_set(event, '{output}', '43')
       FROM off WHERE run_id = $1 AND seq = 2`,
      [changed.id],
    );
    await meshhook.postgres.query(
      "DELETE FROM run_events WHERE run_id = $1 AND seq = 3",
      [cut.id],
    );
    const { code, out } = await mainstay(["verify"]);
    strictEqual(code, 1);
    match(out, new RegExp(`Run ${cut.id} of project shop: event 3 is missing`));
    const replayed = await mainstay(["replay", changed.id]);
    strictEqual(replayed.code, 1);
    match(replayed.out, /Differs: event 2: sum comes to 1, recorded is 43/);
  });

  await t.step(
    "members come and go, and all is on record",
    () => checkAudit(shop),
  );

  await t.step(
    "an export is all of it, or says that it is not",
    () => checkExport(shop),
  );

  await t.step("secrets are encrypted anew, under the first key", async () => {
    const key = (byte: number) => new Uint8Array(32).fill(byte).toBase64();
    const rotate = async (MESHHOOK_KEK: string) =>
      await mainstay(["secrets", "rotate", "--json"], {
        changes: { MESHHOOK_KEK },
      });
    strictEqual((await rotate(key(1))).code, 1);
    assertEquals(JSON.parse((await rotate(`${key(1)},${key(9)}`)).out), {
      rotated: 1,
    });
    assertEquals(JSON.parse((await rotate(key(1))).out), { rotated: 0 });
  });

  await t.step("a project that is erased is out of reach at once", async () => {
    strictEqual((await mainstay(["projects", "erase", "shop"])).code, 2);
    await json(["projects", "erase", "shop", "--yes"]);
    strictEqual((await mainstay(["runs", "list"])).code, 1);
    strictEqual((await mainstay(["verify"])).code, 0);
    const again = await mainstay(["projects", "erase", "shop", "--yes"]);
    strictEqual(again.code, 1);
  });

  await Deno.remove(home, { recursive: true });
});
