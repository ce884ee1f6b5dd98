import { createServer, type Server } from "node:net";

/** A TCP server that answers each chunk that it gets with what `answer` says. */
export interface FakeServer extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
}

/** Starts a server that is no Redis; undefined answers nothing. */
export async function fakeServer(
  answer: (chunk: string) => string | undefined,
): Promise<FakeServer> {
  const open = new Set<{ destroy(): void }>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("data", (chunk) => {
      const text = answer(chunk.toString("latin1"));
      if (text !== undefined) socket.write(text);
    });
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => listening.resolve());
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("The server has no port");
  }
  return {
    host: "127.0.0.1",
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

/** Names of the commands in a chunk, in order. */
export function commandsIn(chunk: string): string[] {
  return [...chunk.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)].map(([, name]) =>
    name ?? ""
  );
}
