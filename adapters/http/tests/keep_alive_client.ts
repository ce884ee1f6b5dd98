import { connect, type Socket } from "node:net";

/** One answer, as far as the client looks at it. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The connection broke before an answer was complete. */
export class Broken extends Error {
  override readonly name = "Broken";
  constructor(
    /** Whether the same connection had answered before, and not said `close`. */
    readonly reused: boolean,
    readonly reason: string,
  ) {
    super(`${reason} on a ${reused ? "reused" : "new"} connection`);
  }
}

/**
 * A client of one connection, which it opens again only when the server said
 * `Connection: close`: what a balancer or a pool does.
 */
export class KeepAliveClient {
  readonly #port: number;
  #socket: Socket | undefined;
  #used = false;

  constructor(port: number) {
    this.#port = port;
  }

  async get(path: string): Promise<Answer> {
    const socket = this.#socket ??= this.#open();
    const reused = this.#used;
    const answer = await read(
      socket,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
      .catch((reason) => {
        this.close();
        throw new Broken(reused, String(reason));
      });
    this.#used = true;
    if (/^connection: close\r?$/im.test(answer.head)) this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#used = false;
  }

  #open(): Socket {
    const socket = connect(this.#port, "127.0.0.1").setNoDelay();
    // An idle connection may break: the next request finds out.
    socket.on("error", () => {});
    return socket;
  }
}

/** Writes a request and reads one answer with a `Content-Length`. */
function read(socket: Socket, request: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let text = "";
    const done = (settle: () => void) => {
      socket.off("data", onData).off("error", onError).off("close", onClose);
      settle();
    };
    const onError = (error: Error) => done(() => reject(error.message));
    const onClose = () => done(() => reject("closed"));
    const onData = (data: Uint8Array) => {
      text += new TextDecoder().decode(data);
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = text.slice(end + 4);
      if (body.length < length) return;
      done(() => resolve({ status: Number(head.slice(9, 12)), head, body }));
    };
    socket.on("data", onData).on("error", onError).on("close", onClose);
    if (socket.destroyed) return onClose();
    socket.write(request);
  });
}
