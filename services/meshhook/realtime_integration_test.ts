import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  eventually,
  freePort,
  startPostgres,
  startProcess,
  tcpProxy,
} from "@mainstay/adapters/testing";
import { sleep } from "@mainstay/kernel/lifecycle";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { addKey, liveClient, liveTest } from "./tests/live_client.ts";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";

const SECRET = "it is a secret";

/** A workflow of some steps that each take a moment. */
function steps(count: number, delayMs: number) {
  const names = Array.from({ length: count }, (_, at) => `step_${at}`);
  return {
    nodes: [
      { id: "hook", type: "webhook" },
      ...names.map((id) => ({ id, type: "delay", delayMs })),
    ],
    edges: names.map((to, at) => ({ from: names[at - 1] ?? "hook", to })),
  };
}

async function openProject(
  meshhook: StartedMeshhook,
  id: string,
  definition: unknown,
): Promise<void> {
  await meshhook.project(id, definition, { "webhook-secret": SECRET });
  await addKey(meshhook, id, `key-of-${id}`);
}

async function begin(
  { url }: Pick<StartedMeshhook, "url">,
  project = "alpha",
  body = "{}",
): Promise<string> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  const answer = await fetch(`${url}/hooks/${project}/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body,
  });
  strictEqual(answer.status, 202);
  return (await answer.json()).runId;
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

liveTest(
  "a stock client follows a run as it happens, whichever version it speaks",
  async () => {
    await using meshhook = await startMeshhook();
    await openProject(meshhook, "alpha", steps(5, 100));
    const runId = await begin(meshhook);
    for (const vsn of ["1.0.0", "2.0.0"]) {
      await using live = liveClient(meshhook.url, "key-of-alpha", { vsn });
      live.follow("events", `run_id=eq.${runId}`, "INSERT");
      live.follow("runs", undefined, "UPDATE");
      await eventually("it has subscribed", () => live.statuses.length === 2);
      const second = await begin(meshhook);
      await eventually(
        `the run's end is told in ${vsn}`,
        () => live.seqs(runId).length === 7,
      );
      assertEquals(live.seqs(runId), upTo(7));
      await eventually(
        "the other's is, too",
        () =>
          live.changes.some(({ table, new: row }) =>
            table === "runs" && row.id === second && row.status === "succeeded"
          ),
      );
      const first = live.changes.find(({ new: row }) => row.seq === 2);
      const { commit_timestamp, ...rest } = first;
      match(commit_timestamp, /^\d{4}-\d\d-\d\dT.*Z$/);
      assertEquals(rest, {
        schema: "public",
        table: "events",
        eventType: "INSERT",
        new: {
          run_id: runId,
          seq: 2,
          at: rest.new.at,
          type: "step.succeeded",
          node: "step_0",
          event: rest.new.event,
        },
        old: {},
        errors: null,
      });
      assertEquals(rest.new.event.node, "step_0");
      assertEquals(live.statuses, ["SUBSCRIBED", "SUBSCRIBED"]);
    }
  },
);

liveTest(
  "the example of the documentation prints a run to its end",
  async () => {
    const [example, page] = await Promise.all(
      ["examples/follow_run.ts", "meshhook.md"].map((path) =>
        Deno.readTextFile(new URL(`../../docs/${path}`, import.meta.url))
      ),
    );
    ok(page!.includes(example!.slice(example!.indexOf("import"))));
    await using meshhook = await startMeshhook();
    await openProject(meshhook, "alpha", steps(2, 100));
    await using printer = await startProcess([
      "run",
      "-A",
      "docs/examples/follow_run.ts",
      meshhook.url,
      "key-of-alpha",
      await begin(meshhook),
    ]);
    strictEqual(await printer.exited, 0, await printer.stderr());
    assertEquals(
      await printer.stdout(),
      "1 run.started \n2 step.succeeded step_0\n3 step.succeeded step_1\n4 run.succeeded \n",
    );
  },
);

/** Whether each number that is new is the one after the last that was. */
function withoutGap(seqs: readonly number[]): number {
  let last = 0;
  for (const seq of seqs) {
    ok(seq <= last + 1, `a gap after ${last} in ${seqs}`);
    last = Math.max(last, seq);
  }
  return last;
}

/** Ends the connection that live logs are heard by, again and again. */
async function cutLinkFor(
  { postgres }: StartedMeshhook,
  work: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const cutting = (async () => {
    while (!stop.signal.aborted) {
      await postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE query IN ('LISTEN "meshhook_live"', 'SELECT 1')`,
      );
      await sleep(30);
    }
  })();
  await work();
  stop.abort();
  await cutting;
}

liveTest(
  "nothing is lost: neither with the socket, nor the server, nor the link to the database, nor a word of it",
  async () => {
    await using server = await startPostgres();
    const port = freePort();
    await using proxy = tcpProxy({ host: "127.0.0.1", port });
    const proxied = `http://127.0.0.1:${proxy.port}`;
    await using live = liveClient(proxied, "key-of-alpha");
    let runId: string;
    {
      await using meshhook = await startMeshhook({}, { server, port });
      await openProject(meshhook, "alpha", steps(30, 50));
      runId = await begin(meshhook);
      live.follow("events", `run_id=eq.${runId}`, "INSERT");
      live.follow("runs", `id=eq.${runId}`, "UPDATE");
      await eventually("it is told", () => live.seqs(runId).length >= 5);
      proxy.cut();
      await eventually(
        "it is told again",
        () => live.seqs(runId).at(-1)! >= 10,
      );
    }
    await using meshhook = await startMeshhook({}, { server, port });
    await eventually(
      "the run's end is told",
      () => live.seqs(runId).at(-1) === 32,
      30_000,
    );
    strictEqual(withoutGap(live.seqs(runId)), 32);
    await eventually(
      "and its status",
      () =>
        live.changes.some(({ table, new: row }) =>
          table === "runs" && row.status === "succeeded"
        ),
    );

    live.follow("events");
    await eventually(
      "the third has subscribed",
      () => live.client.channels.every(({ state }) => state === "joined"),
    );
    const runs: string[] = [];
    await cutLinkFor(meshhook, async () => {
      const followed = await begin(meshhook);
      live.follow("events", `run_id=eq.${followed}`, "INSERT");
      runs.push(followed, await begin(meshhook), await begin(meshhook));
      await eventually("all have ended", async () => {
        const { rows } = await meshhook.postgres.query(
          "SELECT FROM runs WHERE status = 'succeeded'",
        );
        return rows.length === 4;
      });
    });
    for (const id of runs) {
      await eventually(
        "what was missed is told",
        () => new Set(live.seqs(id)).size === 32,
      );
      withoutGap(live.seqs(id));
    }

    const { postgres } = meshhook;
    const untold = await begin(meshhook);
    live.follow("events", `run_id=eq.${untold}`, "INSERT");
    await eventually("it runs", () => new Set(live.seqs(untold)).size === 32);
    await postgres.query(
      `WITH run AS (
       UPDATE runs SET last_seq = last_seq + 1 WHERE id = $1
       RETURNING id, project_id, last_seq
     )
     INSERT INTO run_events (run_id, seq, project_id, event)
     SELECT id, last_seq, project_id,
       '{"type":"run.resumed","from":"step_0","by":"test"}' FROM run`,
      [untold],
    );
    await eventually(
      "what nobody told of is found",
      () => live.seqs(untold).at(-1) === 33,
    );
  },
);

liveTest(
  "nobody follows another project, nor with a key that is wrong, expired or revoked",
  async () => {
    await using meshhook = await startMeshhook();
    await openProject(meshhook, "alpha", steps(3, 50));
    await openProject(meshhook, "beta", steps(3, 50));
    const { url, postgres } = meshhook;
    const foreign = await begin(meshhook, "beta");
    await using live = liveClient(url, "key-of-alpha");
    for (const id of [foreign, crypto.randomUUID()]) {
      live.follow("events", `run_id=eq.${id}`);
      live.follow("runs", `id=eq.${id}`);
    }
    live.follow("events");
    live.follow("runs");
    await eventually("all are joined", () => live.statuses.length === 6);
    const more = await begin(meshhook, "beta");
    const own = await begin(meshhook);
    await eventually("its own is told", () => live.seqs(own).length === 5);
    await eventually("the other has ended", async () => {
      const { rows } = await postgres.query(
        "SELECT FROM runs WHERE id = $1 AND status = 'succeeded'",
        [more],
      );
      return rows.length === 1;
    });
    const seen = new Set(
      live.changes.map(({ new: row }) => row.run_id ?? row.id),
    );
    assertEquals([...seen], [own]);
    assertEquals(live.statuses, Array(6).fill("SUBSCRIBED"));

    await using guessing = liveClient(url, "key-of-gamma");
    guessing.follow("events");
    await eventually(
      "a wrong key is refused",
      () =>
        guessing.statuses.some((status) => status.startsWith("CHANNEL_ERROR")),
    );
    await using other = liveClient(url, "key-of-alpha");
    await other.client.setAuth("key-of-beta");
    other.follow("events");
    await eventually(
      "another project's token is refused",
      () =>
        other.statuses.some((status) => /CHANNEL_ERROR: Unauth/.test(status)),
    );

    await addKey(meshhook, "alpha", "second-key");
    await using refreshing = liveClient(url, "key-of-alpha");
    refreshing.follow("events");
    await eventually("joined", () => refreshing.statuses.length === 1);
    await refreshing.client.setAuth("second-key");
    await postgres.query("DELETE FROM api_keys WHERE name = 'second-key'");
    await eventually(
      "a token that is gone ends its channel",
      () => refreshing.statuses.some((status) => /CHANNEL_ERROR/.test(status)),
      30_000,
    );
    // It joins again, and then is told why it may not.
    await eventually(
      "and says why",
      () => refreshing.statuses.some((status) => /Unauthorized/.test(status)),
    );
    await refreshing.client.setAuth("key-of-alpha");
    await eventually(
      "a good one lets it back",
      () => refreshing.statuses.at(-1) === "SUBSCRIBED",
      30_000,
    );

    await postgres.query("DELETE FROM api_keys WHERE project_id = 'alpha'");
    const before = live.changes.length;
    await eventually(
      "a revoked key ends the socket",
      () => live.statuses.length > 6,
      30_000,
    );
    await begin(meshhook);
    await eventually("the run has ended", async () => {
      const { rows } = await postgres.query(
        "SELECT FROM runs WHERE project_id = 'alpha' AND status = 'succeeded'",
      );
      return rows.length === 2;
    });
    strictEqual(live.changes.length, before);
    ok(!/key-of-|second-key/.test(meshhook.log.join("\n")));
  },
);

liveTest(
  "an access token follows the project whose member its subject is, for as long as it is",
  async () => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA");
    const jwk = { ...await exportJWK(publicKey), kid: "k1", alg: "EdDSA" };
    await using keys = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => Response.json({ keys: [jwk] }),
    );
    const sign = (scope: string, expires = "5m") =>
      new SignJWT({ scope }).setProtectedHeader({
        alg: "EdDSA",
        typ: "at+jwt",
        kid: "k1",
      }).setIssuer("https://id.example").setAudience("meshhook")
        .setSubject("app").setExpirationTime(expires).sign(privateKey);
    await using meshhook = await startMeshhook({
      AUTH_ISSUER: "https://id.example",
      AUTH_AUDIENCE: "meshhook",
      AUTH_JWKS_URL: `http://127.0.0.1:${keys.addr.port}/jwks`,
    });
    await openProject(meshhook, "alpha", steps(1, 50));
    await openProject(meshhook, "beta", steps(1, 50));
    const members = `${meshhook.url}/api/v1/projects/alpha/members/app`;
    const headers = { authorization: "Bearer key-of-alpha" };
    strictEqual((await fetch(members, { method: "PUT", headers })).status, 200);
    const token = await sign("meshhook:read");
    const refused = [
      [token, "beta"],
      [token, undefined],
      [await sign("meshhook:write"), "alpha"],
      [await sign("meshhook:read", "-1m"), "alpha"],
      ["key-of-alpha", "beta"],
    ] as const;
    for (const [key, project] of refused) {
      await using live = liveClient(meshhook.url, key, {}, project);
      live.follow("events");
      await eventually("it is refused", () => live.statuses.length > 0);
      match(live.statuses[0]!, /^CHANNEL_ERROR/);
    }
    await using live = liveClient(meshhook.url, token, {}, "alpha");
    live.follow("events");
    await eventually("it is let in", () => live.statuses.length === 1);
    strictEqual(live.statuses[0], "SUBSCRIBED");
    const runId = await begin(meshhook);
    await eventually("it is told", () => live.seqs(runId).length === 3);
    strictEqual(
      (await fetch(members, { method: "DELETE", headers })).status,
      204,
    );
    await eventually(
      "who is no member any longer is told nothing more",
      () => live.statuses.length > 1,
      30_000,
    );
    match(live.statuses[1]!, /^CHANNEL_ERROR/);
    ok(!meshhook.log.join("\n").includes(token));
  },
);
