/** What one request on a kept-alive connection came to. */
export type Outcome =
  | { readonly kind: "answered"; readonly status: number; readonly ms: number }
  /** The connection could not be opened: no request was lost. */
  | { readonly kind: "refused" }
  /** A connection that had served before ended without an answer. */
  | { readonly kind: "reset-on-reuse"; readonly error: string }
  /** A new connection ended without an answer. */
  | { readonly kind: "reset"; readonly error: string };

/**
 * A client that keeps its connection as HTTP/1.1 allows and gives it up when an
 * answer says `Connection: close`; it never sends a request twice, so every
 * reset shows.
 */
export class KeepAliveClient implements Disposable {
  readonly #port: number;
  #connection: Deno.TcpConn | undefined;
  #reused = false;

  constructor(port: number) {
    this.#port = port;
  }

  async request(
    path: string,
    init: { readonly method?: string; readonly body?: string } = {},
  ): Promise<Outcome> {
    const startedMs = performance.now();
    if (this.#connection === undefined) {
      try {
        this.#connection = await Deno.connect({
          hostname: "127.0.0.1",
          port: this.#port,
        });
        this.#connection.setNoDelay(true);
        this.#reused = false;
      } catch {
        return { kind: "refused" };
      }
    }
    const connection = this.#connection;
    try {
      await writeAll(connection, requestText(path, init));
      const { status, close } = await readResponse(connection);
      if (close) this.#drop();
      this.#reused = true;
      return { kind: "answered", status, ms: performance.now() - startedMs };
    } catch (error) {
      this.#drop();
      const kind = this.#reused ? "reset-on-reuse" : "reset";
      return { kind, error: String(error) };
    }
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  [Symbol.dispose](): void {
    this.#drop();
  }
}

function requestText(
  path: string,
  { method = "GET", body }: {
    readonly method?: string;
    readonly body?: string;
  },
): Uint8Array {
  const content = body === undefined
    ? ""
    : `Content-Type: application/json\r\nContent-Length: ${
      new TextEncoder().encode(body).length
    }\r\n`;
  return new TextEncoder().encode(
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${content}\r\n${
      body ?? ""
    }`,
  );
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await to.write(bytes.subarray(sent));
  }
}

/** Reads one answer with a `Content-Length`, as all but event streams have. */
async function readResponse(
  from: Deno.Conn,
): Promise<{ status: number; close: boolean }> {
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  while (true) {
    const length = await from.read(buffer);
    if (length === null) throw new Error("the connection ended");
    text += new TextDecoder("latin1").decode(buffer.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const head = text.slice(0, end);
    const size = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    if (text.length < end + 4 + size) continue;
    return {
      status: Number(head.slice(9, 12)),
      close: /^connection: close$/im.test(head),
    };
  }
}
