import {
  createRateLimit,
  Forbidden,
  ServiceStopping,
  TooManyRequests,
  Unauthorized,
} from "@mainstay/adapters/http";
import { InvalidInput } from "@mainstay/kernel/errors";
import { type Part, type Route, sleep } from "@mainstay/kernel/lifecycle";
import { PHOENIX_VERSIONS, type PhoenixVersion } from "./phoenix_message.ts";
import {
  createRealtimeSocket,
  type RealtimeSocket,
  type RealtimeSocketOptions,
} from "./realtime_socket.ts";

/** What a server of live logs is made of. */
export interface RealtimeServerOptions
  extends Omit<RealtimeSocketOptions, "mayJoin"> {
  /** At once, of one project. */
  readonly maxSockets: number;
  /** A second, of one project. */
  readonly joinRate: number;
  /** A client that says nothing for longer is gone. */
  readonly idleTimeoutMs: number;
  /** Of browsers' pages from elsewhere; `*` for all. */
  readonly origins: readonly string[];
}

/** Live logs over WebSockets. */
export interface RealtimeServer extends Part {
  /** Those of clients. */
  readonly sockets: number;
  readonly channels: number;
  /** Answers a request for a socket. */
  open(request: Request, url: URL): Promise<Response>;
  /** Says a word to all channels of a project. */
  say(projectId: string, word: string): void;
}

/** Whose sockets those of health are: no project has such a name. */
export const NOBODY = "";

/** Between two looks at who is still there, and who may still be. */
const LOOK_MS = 1_000;
const AUTHORISE_EVERY = 10;
const RETRY_AFTER_MS = 5_000;

export const REALTIME_PATH = "/realtime/v1/websocket";

/** Creates the server; it listens nowhere by itself. */
export function createRealtimeServer(
  options: RealtimeServerOptions,
): RealtimeServer {
  const { projectToRead, metrics, maxSockets, idleTimeoutMs, clock, log } =
    options;
  const sockets = new Map<WebSocket, RealtimeSocket>();
  const joins = createRateLimit({
    limit: options.joinRate,
    windowMs: 1_000,
    nowMs: clock.elapsed,
  });
  const mayJoin = (projectId: string) => joins.take(projectId).allowed;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | undefined;

  const clients = () =>
    [...sockets.values()].filter(({ projectId }) => projectId !== NOBODY);

  function requireOrigin(request: Request, url: URL): void {
    const origin = request.headers.get("origin");
    const allowed = origin === null || options.origins.includes("*") ||
      options.origins.includes(origin) ||
      URL.parse(origin)?.host === (request.headers.get("host") ?? url.host);
    if (allowed) return;
    metrics.refused("origin");
    throw new Forbidden(
      "Cannot open the socket: pages of that origin are not let in",
    );
  }

  async function open(request: Request, url: URL): Promise<Response> {
    const version = versionOf(request, url);
    requireOrigin(request, url);
    const credential = url.searchParams.get("apikey");
    const projectId = credential === null ? undefined : await projectToRead(
      credential,
      url.searchParams.get("project") ?? undefined,
    );
    if (credential === null || projectId === undefined) {
      throw new Unauthorized();
    }
    const own = sockets.values().filter((socket) =>
      socket.projectId === projectId
    );
    if (signal.aborted) throw new ServiceStopping();
    if (own.reduce((count) => count + 1, 0) >= maxSockets) {
      metrics.refused("socket");
      throw new TooManyRequests(RETRY_AFTER_MS);
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    sockets.set(
      socket,
      createRealtimeSocket(socket, { projectId, credential, version }, {
        ...options,
        mayJoin,
      }),
    );
    // It comes after an error, too.
    socket.addEventListener("close", () => sockets.delete(socket));
    return response;
  }

  function closeSilent(): void {
    const now = clock.elapsed();
    for (const socket of sockets.values()) {
      if (now - socket.heardAtMs > idleTimeoutMs) {
        socket.close(1001, "Cannot go on: no heartbeat");
      }
    }
  }

  /** Each key and token is asked for once, however many sockets show it. */
  async function closeUnauthorised(): Promise<void> {
    const byProject = Map.groupBy(
      sockets.values(),
      ({ projectId }) => projectId,
    );
    for (const [projectId, own] of byProject) {
      const shown = new Set(own.flatMap(({ credentials }) => [...credentials]));
      const gone = new Set<string>();
      for (const credential of shown) {
        try {
          const found = await projectToRead(credential, projectId);
          if (found !== projectId) gone.add(credential);
        } catch (error) {
          log.warn("Cannot look whether a key is still good", { error });
        }
      }
      if (gone.size > 0) { for (const socket of own) socket.revoke(gone); }
    }
  }

  async function look(): Promise<void> {
    for (let turn = 1; !signal.aborted; turn++) {
      await sleep(LOOK_MS, { signal, clock }).catch(() => {});
      closeSilent();
      if (turn % AUTHORISE_EVERY !== 0 || signal.aborted) continue;
      await closeUnauthorised();
    }
  }

  return {
    name: "realtime",
    open,
    get sockets() {
      return clients().length;
    },
    get channels() {
      return clients().reduce((sum, { channels }) => sum + channels, 0);
    },
    say(projectId, word) {
      for (const socket of sockets.values()) {
        if (socket.projectId === projectId) socket.say(word);
      }
    },
    start() {
      running = look();
    },
    async drain(cut) {
      stopping.abort();
      // Channels are not closed one by one: clients would then not come back.
      for (const socket of sockets.values()) {
        socket.close(1001, "The server is going away");
      }
      while (sockets.size > 0 && !cut.aborted) {
        await sleep(10, { signal: cut, clock }).catch(() => {});
      }
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The route that clients find it by. */
export function realtimeRoute(server: Pick<RealtimeServer, "open">): Route {
  return {
    method: "GET",
    path: REALTIME_PATH,
    // Origins are looked at before: of a request that was upgraded nothing is
    // known any longer.
    crossOrigin: false,
    async handle(request, context) {
      // For the access log.
      void context.clientAddress;
      return await server.open(request, context.url);
    },
    doc: {
      summary:
        "Live logs over a WebSocket, as clients of Supabase's Realtime speak",
      description:
        "Phoenix channels of version 1.0.0 or 2.0.0; `postgres_changes` of the tables `events` and `runs`.",
      tags: ["live logs"],
      parameters: [
        {
          name: "apikey",
          in: "query",
          description:
            "A key of the project, or an access token; it is logged nowhere",
          required: true,
          schema: { type: "string" },
        },
        {
          name: "project",
          in: "query",
          description: "Which project is meant; a token needs it",
          schema: { type: "string" },
        },
        {
          name: "vsn",
          in: "query",
          description: "The serialization; default 1.0.0",
          schema: { type: "string", enum: PHOENIX_VERSIONS },
        },
      ],
      responses: { 101: { description: "The socket is open" } },
    },
  };
}

/** @throws {InvalidInput} */
function versionOf(request: Request, url: URL): PhoenixVersion {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new InvalidInput([{
      pointer: "upgrade",
      detail: "Expected a WebSocket",
    }]);
  }
  const given = url.searchParams.get("vsn") ?? "1.0.0";
  const version = PHOENIX_VERSIONS.find((known) => known === given);
  if (version !== undefined) return version;
  throw new InvalidInput([{
    pointer: "vsn",
    detail: `Expected ${PHOENIX_VERSIONS.join(" or ")}`,
  }]);
}
