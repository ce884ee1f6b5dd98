import { connect } from "node:net";

/** Opens a socket, writes, and gives everything until the peer closes or time is up. */
export function exchange(
  port: number,
  chunks: readonly string[],
  options: { readonly everyMs?: number; readonly forMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    const timers: Array<ReturnType<typeof setTimeout>> = [];
    const done = () => {
      timers.forEach(clearTimeout);
      socket.destroy();
    };
    socket.on("connect", () =>
      chunks.forEach((chunk, i) =>
        timers.push(
          setTimeout(() => socket.write(chunk), i * (options.everyMs ?? 0)),
        )
      ));
    socket.on("data", (data) => text += data.toString());
    socket.on("end", done);
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    timers.push(setTimeout(done, options.forMs ?? 3000));
  });
}

/** A client that trusts whatever certificate it is shown. */
export function insecureFetch(
  url: string,
  options: { readonly method?: string; readonly headers?: string[] } = {},
): Promise<{ status: number; body: string }> {
  return new Deno.Command("curl", {
    args: [
      ...["-sk", "-o", "-", "-w", "\n%{http_code}", "-m", "15"],
      ...["-X", options.method ?? "GET"],
      ...(options.headers ?? []).flatMap((header) => ["-H", header]),
      url,
    ],
  }).output().then(({ stdout }) => {
    const text = new TextDecoder().decode(stdout);
    const at = text.lastIndexOf("\n");
    return { status: Number(text.slice(at + 1)), body: text.slice(0, at) };
  });
}
