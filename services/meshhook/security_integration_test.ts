/**
 * What an attacker tries against the hooks and through the workflows of
 * MeshHook, on a real server, worker, executor and database.
 */
import {
  deepStrictEqual as assertEquals,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { eventually } from "@mainstay/adapters/testing";
import { startMeshhook } from "./tests/start_meshhook.ts";

const PLANTED = "planted-0123456789-planted";
const hook = { id: "hook", type: "webhook" };

function serveTarget(elsewhere: () => number) {
  const seen: Array<{ path: string; headers: Headers }> = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname: path } = new URL(request.url);
      seen.push({ path, headers: request.headers });
      const text = await request.text();
      const token = request.headers.get("authorization") ?? "";
      switch (path) {
        case "/inside":
          return Response.redirect(`http://127.0.0.1:${elsewhere()}/`);
        case "/metadata":
          return Response.redirect("http://169.254.169.254/latest");
        case "/bomb":
          return new Response(
            Uint8Array.from(gzipSync(new Uint8Array(50_000_000))),
            {
              headers: { "content-encoding": "gzip" },
            },
          );
        case "/deep":
          return new Response("[".repeat(400_000) + "]".repeat(400_000), {
            headers: { "content-type": "application/json" },
          });
        case "/half":
          return new Response('"\\ud800"', {
            headers: { "content-type": "application/json" },
          });
        case "/drip":
          return new Response(
            new ReadableStream({
              async pull(controller) {
                await new Promise((resolve) => setTimeout(resolve, 50));
                if (request.signal.aborted) return controller.close();
                controller.enqueue(new TextEncoder().encode("."));
              },
            }),
          );
        case "/echo-error":
          return new Response(`no: ${token} ${text}`, { status: 400 });
        default:
          return Response.json({ [token]: [token, text] }, {
            headers: { "x-echo": token, "set-cookie": `token=${token}` },
          });
      }
    },
  );
  return {
    seen,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("attacks on MeshHook", async (test) => {
  await using inside = serveTarget(() => 0);
  await using target = serveTarget(() => inside.port);
  await using meshhook = await startMeshhook({
    TARGETS: `127.0.0.1:${target.port}`,
    MAX_WEBHOOK: "1MB",
  });
  const { postgres, server, url, log } = meshhook;
  const call = {
    type: "http_call",
    retry: { maxAttempts: 1 },
    headers: {
      authorization: { $secret: "api-token" },
      "x-from-body": { $expression: "trigger.body.header || 'none'" },
    },
    body: { token: { $secret: "api-token" } },
    timeoutMs: 500,
  };
  const secrets = { "api-token": PLANTED };
  await meshhook.project("alpha", {
    nodes: [hook, {
      ...call,
      id: "call",
      url: { $expression: "trigger.body.url" },
    }],
    edges: [{ from: "hook", to: "call" }],
  }, { ...secrets, "webhook-secret": "of alpha" });
  await meshhook.project(
    "beta",
    { nodes: [hook], edges: [] },
    { "webhook-secret": "of beta" },
  );

  const hmac = (secret: string, text: string) =>
    createHmac("sha256", secret).update(text).digest("hex");
  const post = (
    project: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ) =>
    fetch(`${url}/hooks/${project}/github`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  const statusOf = async (answer: Promise<Response>) => {
    const { status, body } = await answer;
    await body?.cancel();
    return status;
  };
  const signed = (body: string, delivery: string = crypto.randomUUID()) =>
    post("alpha", body, {
      "x-github-delivery": delivery,
      "x-hub-signature-256": `sha256=${hmac("of alpha", body)}`,
    });
  /** What the call of a run came to. */
  const outcomeOf = async (body: Readonly<Record<string, unknown>>) => {
    const { runId } = await (await signed(JSON.stringify(body))).json();
    let events: Array<{ event: Record<string, unknown> }> = [];
    await eventually("the run has ended", async () => {
      ({ rows: events } = await postgres.query(
        "SELECT event FROM run_events WHERE run_id = $1 ORDER BY seq",
        [runId],
      ));
      return events.length === 3;
    }, 20_000);
    return events[1]!.event as {
      readonly output?: { readonly body: unknown };
      readonly error?: { readonly code: string; readonly message: string };
    };
  };
  const codeOf = async (body: Readonly<Record<string, unknown>>) =>
    (await outcomeOf(body)).error?.code;
  const at = (path: string) => `http://127.0.0.1:${target.port}${path}`;

  await test.step("a signature that is missing, malformed, wrong, one of several, of another algorithm or of another scheme opens no hook", async () => {
    const body = "{}";
    const good = hmac("of alpha", body);
    const sha1 = createHmac("sha1", "of alpha").update(body).digest("hex");
    const none = `${btoa('{"alg":"none"}')}.${btoa("{}")}.`;
    const attempts: ReadonlyArray<Readonly<Record<string, string>>> = [
      {},
      { "x-hub-signature-256": "" },
      { "x-hub-signature-256": good },
      { "x-hub-signature-256": `sha256=${good.slice(1)}` },
      { "x-hub-signature-256": `sha256=${hmac("wrong", body)}` },
      { "x-hub-signature-256": `sha256=${good},sha256=${good}` },
      { "x-hub-signature-256": `sha256=${sha1}` },
      { "x-hub-signature-256": `sha1=${sha1}` },
      { "x-hub-signature": `sha1=${sha1}` },
      { "stripe-signature": `t=${Date.now() / 1_000 | 0},v1=${good}` },
      { authorization: `Bearer ${none}` },
    ];
    for (const headers of attempts) {
      strictEqual(
        await statusOf(post("alpha", body, headers)),
        401,
        JSON.stringify(headers),
      );
    }
    const { rows } = await postgres.query("SELECT FROM runs");
    strictEqual(rows.length, 0);
  });

  await test.step("a webhook that is replayed begins nothing, and the same slug in two projects opens with each one's own secret alone", async () => {
    const body = JSON.stringify({ url: at("/") });
    strictEqual(await statusOf(signed(body, "once")), 202);
    strictEqual(await statusOf(signed(body, "once")), 200);
    const beta = (secret: string) =>
      post("beta", "{}", {
        "x-hub-signature-256": `sha256=${hmac(secret, "{}")}`,
      });
    strictEqual(await statusOf(beta("of alpha")), 401);
    strictEqual(await statusOf(beta("of beta")), 202);
  });

  await test.step("a body of 20,000 brackets, of NULs or of half characters is taken or refused, and never a failure of the server", async () => {
    const bodies = [
      "[".repeat(20_000) + "]".repeat(20_000),
      ...[5_000, 50_000, 100_000, 250_000, 500_000].map((depth) =>
        "[".repeat(depth) + "]".repeat(depth)
      ),
      '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000),
      '{"nul":"\\u0000","half":"\\ud800","\\u0000":1}',
      "\u0000",
      '{"n":1e999}',
      '{"__proto__":{"x":1},"constructor":{"prototype":1}}',
    ];
    for (const body of bodies) {
      const status = await statusOf(signed(body));
      ok([202, 400, 422].includes(status), `${status} ${body.slice(0, 40)}`);
    }
    await eventually("every run that was begun has ended", async () => {
      const { rows } = await postgres.query(
        "SELECT FROM runs WHERE status = 'running'",
      );
      return rows.length === 0;
    }, 20_000);
  });

  await test.step("an answer of 400,000 brackets fails its own step, and one of half a character none", async () => {
    strictEqual(await codeOf({ url: at("/deep") }), "value-too-large");
    const { output } = await outcomeOf({ url: at("/half") });
    strictEqual(output?.body, "\ufffd");
  });

  await test.step("an answer that leads on to the inside is not followed", async () => {
    strictEqual(await codeOf({ url: at("/inside") }), "address-refused");
    strictEqual(await codeOf({ url: at("/metadata") }), "address-refused");
    strictEqual(inside.seen.length, 0);
  });

  await test.step("the database's own port is out of reach", async () => {
    strictEqual(
      await codeOf({ url: `http://127.0.0.1:${server.port}/` }),
      "address-refused",
    );
  });

  await test.step("no line end gets from a template into a request", async () => {
    strictEqual(
      await codeOf({ url: at("/crlf"), header: "a\r\nx-evil: 1" }),
      "invalid-request",
    );
    await outcomeOf({ url: at("/crlf HTTP/1.1\r\nx-evil: 1\r\n\r\n") });
    ok(target.seen.every(({ headers }) => !headers.has("x-evil")));
  });

  await test.step("a compressed bomb is not unpacked, and slow drips end in time", async () => {
    const { output } = await outcomeOf({ url: at("/bomb") });
    ok(JSON.stringify(output?.body).length < 1_000_000);
    strictEqual(await codeOf({ url: at("/drip") }), "timeout");
  });

  await test.step("a secret is in no event, log line, error or answer, even if the target sends it back", async () => {
    const echoed = await outcomeOf({ url: at("/echo") });
    ok(JSON.stringify(echoed).includes("***"), "it was sent back");
    const failed = await outcomeOf({ url: at("/echo-error") });
    strictEqual(failed.error?.code, "http-status");
    ok(
      target.seen.some(({ headers }) =>
        headers.get("authorization") === PLANTED
      ),
    );
    const tables = await postgres.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema IN ('public', 'meshhook_health')`,
    );
    let kept = "";
    for (const { name } of tables.rows) {
      const { rows } = await postgres.query<{ text: string }>(
        `SELECT t::text AS text FROM ${
          name === "heartbeats" ? "meshhook_health.heartbeats" : name
        } t`,
      );
      kept += rows.map(({ text }) => text).join("\n");
    }
    ok(kept.includes("***"));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const text of [kept, log.join("\n"), metrics]) {
      ok(!text.includes(PLANTED));
      ok(!text.includes("of alpha"));
    }
  });

  await test.step("the executor holds no credential of the database: neither in its environment, nor its command line, nor as a connection", () => {
    const executors = childrenOf(Deno.pid).filter((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("executor/main.ts")
    );
    strictEqual(executors.length, 1);
    const [pid] = executors;
    const known = ["environ", "cmdline"]
      .map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8")).join("\n");
    for (
      const secret of [server.password, "postgres", "DATABASE", "KEK", PLANTED]
    ) {
      ok(!known.includes(secret), secret);
    }
    const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const [, inode] = /^socket:\[(\d+)\]$/.exec(
          readlinkSync(`/proc/${pid}/fd/${fd}`),
        ) ?? [];
        return inode === undefined ? [] : [inode];
      } catch {
        return [];
      }
    });
    const port = server.port.toString(16).toUpperCase().padStart(4, "0");
    const toDatabase = readFileSync("/proc/net/tcp", "utf8").split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote]) => remote?.endsWith(`:${port}`))
      .map((fields) => fields[9]);
    ok(toDatabase.length > 0, "others are connected to it");
    assertEquals(sockets.filter((inode) => toDatabase.includes(inode)), []);
  });
});

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
      .trim().split(" ").filter((text) => text !== "").map(Number)
  );
}
