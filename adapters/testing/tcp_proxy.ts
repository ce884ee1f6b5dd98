/** What a {@link TcpProxy} does with what passes through it. */
export type ProxyMode =
  /** Lets everything through. */
  | "pass"
  /** Requests arrive, replies are thrown away: the write is applied, its answer lost. */
  | "drop-replies"
  /** Nothing passes in either direction and nothing closes: a dead link. Held bytes pass later. */
  | "stall"
  /** Present connections go on, new ones are closed at once. */
  | "refuse";

/** A TCP relay on loopback that a test breaks. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  mode: ProxyMode;
  /** Held back before each chunk is passed on, in either direction, in milliseconds. */
  delayMs: number;
  /** Ends all present connections. */
  cut(): void;
}

/** Starts a relay to `target` on a free port of 127.0.0.1. */
export function tcpProxy(
  target: { readonly host: string; readonly port: number },
): TcpProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  const ended = new AbortController();
  let mode: ProxyMode = "pass";
  let delayMs = 0;
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const close = (link: Deno.Conn) => {
    if (open.delete(link)) link.close();
  };

  const pump = async (from: Deno.Conn, to: Deno.Conn, isReply: boolean) => {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        const length = await from.read(buffer);
        if (length === null) break;
        if (delayMs > 0) await pause(delayMs, ended.signal);
        while (mode === "stall" && open.has(to)) await changed.promise;
        if (mode === "drop-replies" && isReply) continue;
        for (let sent = 0; sent < length;) {
          sent += await to.write(buffer.subarray(sent, length));
        }
      }
    } catch {
      // Either side has gone: the other is told by closing it.
    } finally {
      close(from);
      close(to);
    }
  };
  const relay = async (client: Deno.Conn) => {
    open.add(client);
    if (mode === "refuse") return close(client);
    try {
      const server = await Deno.connect({
        hostname: target.host,
        port: target.port,
      });
      open.add(server);
      // Cut while it was being opened.
      if (!open.has(client)) return close(server);
      await Promise.all([
        pump(client, server, false),
        pump(server, client, true),
      ]);
    } catch {
      close(client);
    }
  };
  const accepting = (async () => {
    try {
      for await (const client of listener) {
        const relayed = relay(client);
        running.add(relayed);
        void relayed.finally(() => running.delete(relayed));
      }
    } catch {
      // The listener was closed.
    }
  })();
  const cut = () => {
    for (const link of open) close(link);
    change();
  };

  return {
    host: "127.0.0.1",
    port: listener.addr.port,
    get connections() {
      return running.size;
    },
    get mode() {
      return mode;
    },
    set mode(value) {
      mode = value;
      change();
    },
    get delayMs() {
      return delayMs;
    },
    set delayMs(value) {
      delayMs = value;
    },
    cut,
    async [Symbol.asyncDispose]() {
      listener.close();
      ended.abort();
      cut();
      await accepting;
      await Promise.all(running);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const done = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
    resolve();
  };
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", done, { once: true });
  return promise;
}
