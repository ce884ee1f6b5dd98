import type { Logger } from "@mainstay/kernel/logging";
import {
  match,
  notStrictEqual,
  ok,
  strictEqual as assertEquals,
} from "node:assert/strict";
import { createServer } from "node:http";
import { hostname } from "node:os";
import { consumerIdentity } from "./consumer_identity.ts";

const log: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  enabled: () => false,
  child: () => log,
};

type Answer = Parameters<typeof createServer>[1];

/** A Docker daemon that answers as told, and the name that comes of it. */
async function nameWith(answer: Answer, timeoutMs = 1_000): Promise<string> {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/docker.sock`;
  const server = createServer({}, answer);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    const { name, part } = consumerIdentity({
      serviceName: "events",
      log,
      dockerSocket: socket,
      timeoutMs,
    });
    await part.start?.(new AbortController().signal);
    return name();
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("consumerIdentity() takes the container's name from Docker", async () => {
  let asked = "";
  const name = await nameWith((request, response) => {
    asked = request.url ?? "";
    response.end(JSON.stringify({ Name: "/shop-events-1" }));
  });
  match(name, /^shop-events-1-\d+-[0-9a-f]{8}$/);
  assertEquals(asked, `/containers/${hostname()}/json`);
});

Deno.test("consumerIdentity() keeps the host's name when Docker is of no use", async () => {
  const answers: Answer[] = [
    (_request, response) => void response.end("no JSON"),
    (_request, response) => void response.end('{"Name":"not a name"}'),
    (_request, response) => void response.writeHead(404).end("{}"),
    (request) => void request.socket.destroy(),
    () => {},
  ];
  for (const answer of answers) {
    const name = await nameWith(answer, 100);
    ok(name.startsWith(`${hostname()}-`), name);
  }
});

Deno.test("consumerIdentity() is unlike in each process, and needs no socket", async () => {
  const options = {
    serviceName: "events",
    log,
    dockerSocket: "/nonexistent/docker.sock",
  };
  const [a, b] = [consumerIdentity(options), consumerIdentity(options)];
  await a.part.start?.(new AbortController().signal);
  notStrictEqual(a.name(), b.name());
});
