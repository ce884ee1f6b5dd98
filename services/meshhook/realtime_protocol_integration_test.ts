import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { sleep } from "@mainstay/kernel/lifecycle";
import { addKey } from "./tests/live_client.ts";
import { type StartedMeshhook, startMeshhook } from "./tests/start_meshhook.ts";

/** A socket that says what a client of its makers would not. */
interface RawSocket extends AsyncDisposable {
  readonly socket: WebSocket;
  // deno-lint-ignore no-explicit-any -- whatever the server sends
  readonly received: any[];
  readonly closed: Promise<CloseEvent>;
  /** Sends a message of version 2.0.0. */
  send(topic: string, event: string, payload?: unknown): void;
  join(topic: string, changes?: readonly unknown[]): void;
}

async function rawSocket(
  { url }: StartedMeshhook,
  query = "apikey=key&vsn=2.0.0",
): Promise<RawSocket> {
  const place = url.replace("http", "ws");
  const socket = new WebSocket(`${place}/realtime/v1/websocket?${query}`);
  const received: RawSocket["received"] = [];
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<CloseEvent>();
  let refs = 0;
  let joinRef: string | null = null;
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => received.push(JSON.parse(data));
  socket.onclose = (event) => closed.resolve(event);
  await opened.promise;
  const send: RawSocket["send"] = (topic, event, payload = {}) => {
    const ref = String(++refs);
    if (event === "phx_join") joinRef = ref;
    socket.send(JSON.stringify([joinRef, ref, topic, event, payload]));
  };
  return {
    socket,
    received,
    closed: closed.promise,
    send,
    join: (topic, changes = []) =>
      send(topic, "phx_join", { config: { postgres_changes: changes } }),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed.promise;
    },
  };
}

async function openAlpha(meshhook: StartedMeshhook): Promise<void> {
  await meshhook.project("alpha", {
    nodes: [{ id: "hook", type: "webhook" }],
    edges: [],
  });
  await addKey(meshhook, "alpha", "key");
}

const reply = (status: string, response: unknown) => ({ status, response });

Deno.test("a client that breaks the protocol is told so, or closed, and nobody else notices", async () => {
  await using meshhook = await startMeshhook({
    REALTIME_MAX_MESSAGE: "16KB",
    REALTIME_IDLE_TIMEOUT: "3s",
    REALTIME_MAX_SOCKETS: "6",
    CORS_ORIGINS: "https://app.example",
  });
  await openAlpha(meshhook);
  await using good = await rawSocket(meshhook);
  const beating = setInterval(() => good.send("phoenix", "heartbeat"), 500);

  const frames: ReadonlyArray<readonly [number, string | Uint8Array]> = [
    [1007, "{"],
    [1007, "[]"],
    [1007, "null"],
    [1007, '["1","1",7,"phx_join",{}]'],
    [1007, '["1","1","realtime:a","phx_join",[]]'],
    [1007, '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}'],
    [1007, new Uint8Array([9, 9])],
    [1009, JSON.stringify(["1", "1", "realtime:a", "x", "y".repeat(17_000)])],
  ];
  for (const [code, frame] of frames) {
    await using raw = await rawSocket(meshhook);
    raw.socket.send(frame as string);
    strictEqual((await raw.closed).code, code, String(frame).slice(0, 40));
  }

  {
    await using raw = await rawSocket(meshhook);
    raw.send("phoenix", "heartbeat");
    raw.join("elsewhere:a");
    raw.send("realtime:a", "access_token", { access_token: "key" });
    raw.join("realtime:a");
    raw.send("realtime:a", "broadcast", { event: "x" });
    // What the stock client sends for a broadcast: a frame of bytes.
    const head = [3, 1, 1, 10, 1, 0, 1];
    raw.socket.send(
      new Uint8Array([...head, ...new TextEncoder().encode("49realtime:ax{}")]),
    );
    raw.send("realtime:a", "phx_leave");
    await eventually("all is answered", () => raw.received.length === 8);
    const unmatched = reply("error", { reason: "unmatched topic" });
    const sent = reply("error", {
      reason: "Cannot send: this server tells of changes and takes none",
    });
    const joined = reply("ok", { postgres_changes: [] });
    const told = raw.received.map(([join, ref, topic, event, payload]) =>
      [join, ref, topic, event, payload] as const
    ).toSorted(([, a], [, b]) => Number(a) - Number(b));
    assertEquals(told, [
      [null, "1", "phoenix", "phx_reply", reply("ok", {})],
      ["2", "2", "elsewhere:a", "phx_reply", unmatched],
      ["2", "3", "realtime:a", "phx_reply", unmatched],
      ["4", "4", "realtime:a", "phx_reply", joined],
      ["4", "4", "realtime:a", "phx_close", {}],
      ["4", "5", "realtime:a", "phx_reply", sent],
      ["4", "6", "realtime:a", "phx_reply", reply("ok", {})],
      ["4", "9", "realtime:a", "phx_reply", sent],
    ]);
  }

  const wrong: ReadonlyArray<readonly [Record<string, unknown>, RegExp]> = [
    [{ event: "TRUNCATE" }, /changes\/0\/event: Expected one of/],
    [{ schema: "auth" }, /\/0\/schema: Expected public/],
    [{ table: "secrets" }, /\/0\/table: Expected events or runs/],
    [{ filter: "name=eq.x" }, /\/0\/filter: .*known are run_id, seq/],
    [{ filter: "run_id=like.x" }, /\/0\/filter: .*operators are eq, neq, in/],
    [{ filter: "run_id=eq.1 OR 1=1" }, /\/0\/filter: run_id is an id/],
    [{ filter: "seq=gt.x" }, /\/0\/filter: seq is a whole number/],
    [{ filter: "seq" }, /\/0\/filter: Expected column=operator.value/],
    [{ filter: 'type=in.("a,b)' }, /\/0\/filter: A quote or bracket/],
    [
      {
        filter: `run_id=in.(${Array(101).fill(crypto.randomUUID()).join()})`,
      },
      /\/0\/filter: run_id may be one of 100 values/,
    ],
    [{ select: ["seq"] }, /\/0\/select/],
  ];
  for (const [change, expected] of wrong) {
    await using raw = await rawSocket(meshhook);
    raw.join("realtime:a", [
      { event: "*", schema: "public", table: "events", ...change },
    ]);
    await eventually("it is refused", () => raw.received.length === 1);
    const [, , , event, { status, response }] = raw.received[0];
    assertEquals([event, status], ["phx_reply", "error"]);
    match(response.reason, expected);
  }

  const answer = async (
    query: string,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(
      `${meshhook.url}/realtime/v1/websocket?${query}`,
      { headers: { upgrade: "websocket", connection: "upgrade", ...headers } },
    );
    await response.body?.cancel();
    return response.status;
  };
  strictEqual(await answer("vsn=2.0.0"), 401);
  strictEqual(await answer("apikey=guess"), 401);
  strictEqual(await answer("apikey=key&vsn=9"), 400);
  strictEqual(await answer("apikey=key", { upgrade: "h2c" }), 400);
  const origin = "https://evil.example";
  strictEqual(await answer("apikey=key", { origin }), 403);

  {
    await using sockets = new AsyncDisposableStack();
    const silent = sockets.use(await rawSocket(meshhook));
    for (let at = 0; at < 4; at++) sockets.use(await rawSocket(meshhook));
    strictEqual(await answer("apikey=key"), 429);
    // Others beat; whoever says nothing is gone.
    strictEqual((await silent.closed).code, 1001);
  }
  clearInterval(beating);
  ok(good.received.length > 3, "the first one still is there");
  strictEqual(good.socket.readyState, WebSocket.OPEN);
  const metrics = await (await fetch(`${meshhook.url}/metrics`)).text();
  match(metrics, /realtime_refusals_total\{what="origin"\} 1/);
  match(metrics, /realtime_refusals_total\{what="socket"\} 1/);
  ok(!meshhook.log.join("\n").includes("apikey"));
});

Deno.test("10,000 joins at once get what a socket may have, and cost nobody else anything", async () => {
  await using meshhook = await startMeshhook({ REALTIME_MAX_CHANNELS: "50" });
  await openAlpha(meshhook);
  await using raw = await rawSocket(meshhook);
  await using other = await rawSocket(meshhook);
  const before = Deno.memoryUsage().rss;
  for (let at = 0; at < 10_000; at++) {
    raw.join(`realtime:${at}`, [{
      event: "*",
      schema: "public",
      table: "events",
      filter: `run_id=eq.${crypto.randomUUID()}`,
    }]);
  }
  other.send("phoenix", "heartbeat");
  await eventually("the other is answered", () => other.received.length === 1);
  const replies = () =>
    raw.received.filter(([, , , event]) => event === "phx_reply");
  await eventually(
    "all are answered",
    () => replies().length === 10_000,
    30_000,
  );
  const joined = replies().filter(([, , , , { status }]) => status === "ok");
  strictEqual(joined.length, 50);
  const reasons = new Set(
    replies().map(([, , , , { response }]) => response.reason),
  );
  reasons.delete(undefined);
  for (const reason of reasons) match(reason, /^Too many (channels|joins)/);
  ok(Deno.memoryUsage().rss - before < 200_000_000);
});

Deno.test("a reader that stops is not fed without bound, and goes on where it was", async () => {
  await using meshhook = await startMeshhook();
  await openAlpha(meshhook);
  const { postgres, url } = meshhook;
  const runId = crypto.randomUUID();
  await postgres.query(
    `INSERT INTO runs (id, project_id, workflow_id, version, last_seq)
     SELECT $1, 'alpha', id, 1, 0 FROM workflows`,
    [runId],
  );
  const append = async (count: number) => {
    await postgres.query(
      `WITH run AS (
         UPDATE runs SET last_seq = last_seq + $2 WHERE id = $1
         RETURNING last_seq - $2 AS before
       )
       INSERT INTO run_events (run_id, seq, project_id, event)
       SELECT $1, before + n, 'alpha', jsonb_build_object('type',
         'step.succeeded', 'node', 'n', 'attempt', 1,
         'output', repeat('x', 200000))
       FROM run, generate_series(1, $2) AS n`,
      [runId, count],
    );
    await postgres.query(
      `SELECT pg_notify('meshhook_live', json_build_object('runs',
         json_build_array(json_build_array('alpha', id, 1, last_seq)))::text)
       FROM runs WHERE id = $1`,
      [runId],
    );
  };
  const { hostname, port } = new URL(url);
  using client = await Deno.connect({ hostname, port: Number(port) });
  const write = (bytes: Uint8Array) => client.write(bytes);
  await write(new TextEncoder().encode(
    `GET /realtime/v1/websocket?apikey=key&vsn=2.0.0 HTTP/1.1\r\nHost: x\r\n` +
      "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  ));
  await write(textFrame(["1", "1", "realtime:a", "phx_join", {
    config: {
      postgres_changes: [{
        event: "INSERT",
        schema: "public",
        table: "events",
        filter: `run_id=eq.${runId}`,
      }],
    },
  }]));
  const told = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(
      /realtime_messages_total\{event="postgres_changes"\} (\d+)/
        .exec(metrics)?.[1] ?? 0,
    );
  };
  for (let at = 0; at < 10; at++) await append(30);
  await eventually("it is full", async () => await told() > 0);
  await append(1);
  const stalled = await told();
  ok(stalled < 60, `${stalled} of 301 messages wait`);

  for (let at = 0; at < 100; at++) {
    await write(textFrame([null, "7", "phoenix", "heartbeat", {}]));
  }
  const reading = readMessages(client);
  const seqs: number[] = [];
  while (seqs.at(-1) !== 301) {
    const { value } = await reading.next();
    const [, , , event, { data }] = value!;
    if (event === "postgres_changes") seqs.push(data.record.seq);
  }
  assertEquals(seqs, Array.from({ length: 301 }, (_, at) => at + 1));

  // Whoever asks on and on, and reads nothing, is let go.
  const beats = Array.from(
    { length: 1_000 },
    () => textFrame([null, "7", "phoenix", "heartbeat", {}]),
  ).reduce((all, one) => new Uint8Array([...all, ...one]));
  const open = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return /realtime_channels (\d+)/.exec(metrics)?.[1];
  };
  for (let at = 0; at < 4; at++) await append(30);
  await eventually("it is let go", async () => {
    await Promise.race([write(beats), sleep(100)]).catch(() => {});
    return await open() === "0";
  }, 60_000);
});

/** A masked frame of text, as clients send it. */
function textFrame(message: unknown): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  const { length } = bytes;
  const head = length < 126
    ? [length | 128]
    : [126 | 128, length >> 8, length & 255];
  // A mask of zeros changes nothing.
  return new Uint8Array([129, ...head, 0, 0, 0, 0, ...bytes]);
}

/** The messages of a server, whose frames are not masked. */
async function* readMessages(
  client: Deno.Conn,
  // deno-lint-ignore no-explicit-any -- whatever the server sends
): AsyncGenerator<any, undefined> {
  let bytes = new Uint8Array(0);
  const chunk = new Uint8Array(1 << 20);
  const need = async (length: number) => {
    while (bytes.length < length) {
      const read = await client.read(chunk);
      if (read === null) throw new Error("The server has gone");
      const joined = new Uint8Array(bytes.length + read);
      joined.set(bytes);
      joined.set(chunk.subarray(0, read), bytes.length);
      bytes = joined;
    }
  };
  const take = async (length: number) => {
    await need(length);
    const taken = bytes.slice(0, length);
    bytes = bytes.slice(length);
    return taken;
  };
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    head += new TextDecoder().decode(await take(1));
  }
  while (true) {
    const [first = 0, second = 0] = await take(2);
    const extra = second === 126 ? 2 : second === 127 ? 8 : 0;
    const length = [...await take(extra)].reduce(
      (sum, byte) => sum * 256 + byte,
      extra === 0 ? second : 0,
    );
    const payload = await take(length);
    if ((first & 15) === 1) yield JSON.parse(new TextDecoder().decode(payload));
  }
}
