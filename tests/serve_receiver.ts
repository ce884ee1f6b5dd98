/** One request as it came. */
export interface Received {
  readonly path: string;
  readonly key: string | null;
  readonly body: unknown;
}

/** A server that others' calls are sent to, and that counts them. */
export interface Receiver extends AsyncDisposable {
  readonly port: number;
  readonly received: readonly Received[];
  /** Requests that are not answered yet. */
  readonly inHand: number;
}

/** Answers with 200: to `/20` after 20 ms, to `/never` when it ends. */
export function serveReceiver(): Receiver {
  const received: Received[] = [];
  let inHand = 0;
  const ending = Promise.withResolvers<void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname: path } = new URL(request.url);
      const text = await request.text().catch(() => "");
      received.push({
        path,
        key: request.headers.get("idempotency-key"),
        body: text === "" ? null : JSON.parse(text),
      });
      inHand++;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = path === "/never"
        ? 0
        : setTimeout(resolve, Number(path.slice(1)));
      request.signal.addEventListener("abort", () => resolve());
      await Promise.race([promise, ending.promise]);
      clearTimeout(timer);
      inHand--;
      return Response.json({ path });
    },
  );
  return {
    port: server.addr.port,
    received,
    get inHand() {
      return inHand;
    },
    async [Symbol.asyncDispose]() {
      ending.resolve();
      await server.shutdown();
    },
  };
}
