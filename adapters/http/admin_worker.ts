/**
 * The Worker that owns the admin listeners, so that liveness is answered, and
 * answered truly, while the main thread is blocked.
 *
 * It answers `/livez` and `/healthz` from the pulse that the main thread
 * writes, and hands every other request over. It may open sockets, and may do
 * nothing else.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import {
  ALIVE,
  BEAT,
  type ForwardedAnswer,
  type ForwardedRequest,
  type FromWorker,
  type OpenListener,
  steadyNowMs,
  type ToWorker,
} from "./admin_protocol.ts";

import { correlationIdOf } from "./correlation_id.ts";

declare const self: DedicatedWorkerGlobalScope;

/** Beats come every 100 ms: what is older than this is a stall, not jitter. */
const STALL_SEEN_MS = 300;
/** How long a client waits for a blocked main thread. */
const PATIENCE_MS = 1000;
const MAX_BODY_BYTES = 65_536;
const CORRELATION = "x-correlation-id";
const LIVENESS = new Set(["/livez", "/healthz"]);

const servers = new Map<number, Deno.HttpServer<Deno.NetAddr>>();
const waiting = new Map<number, {
  readonly answer: (response: Response) => void;
  readonly stalledMs: () => number;
}>();
let requests = 0;
let watch: ReturnType<typeof setInterval> | undefined;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "open") open(data);
  else if (data.kind === "close") void close(data.listener);
  else deliver(data);
};

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

function open(options: OpenListener): void {
  const { listener, hostname, port, tls } = options;
  try {
    const server = Deno.serve(
      { hostname, port, ...tls, onListen: () => {} },
      async (request, info) => {
        const { hostname } = info.remoteAddr;
        const response = await answer(options, request, hostname);
        if (!response.headers.has(CORRELATION)) {
          const given = request.headers.get(CORRELATION);
          response.headers.set(CORRELATION, correlationIdOf(given));
        }
        return response;
      },
    );
    servers.set(listener, server);
    const { addr } = server;
    tell({
      kind: "opened",
      listener,
      hostname: addr.hostname,
      port: addr.port,
    });
  } catch (failure) {
    const { name, message } = failure as Error;
    tell({ kind: "refused", listener, name, message });
  }
}

async function close(listener: number): Promise<void> {
  await servers.get(listener)?.shutdown();
  servers.delete(listener);
  tell({ kind: "closed", listener });
}

function answer(
  options: OpenListener,
  request: Request,
  peer: string,
): Response | Promise<Response> {
  const pulse = new BigInt64Array(options.pulse);
  const stalledMs = () => steadyNowMs() - Number(Atomics.load(pulse, BEAT));
  const { pathname, search } = new URL(request.url);
  if (options.paths !== undefined && !options.paths.includes(pathname)) {
    return new Response("not found\n", { status: 404 });
  }
  const stalled = stalledMs() >= STALL_SEEN_MS;
  const reads = request.method === "GET" || request.method === "HEAD";
  if (reads && LIVENESS.has(pathname)) {
    const alive = Atomics.load(pulse, ALIVE) === 1n;
    // The main thread knows the checks by name, and JSON; this thread does not.
    const plain = alive && search === "" &&
      !request.headers.get("accept")?.includes("json");
    if (plain || stalled) {
      return liveness(stalledMs(), alive, options.stallThresholdMs);
    }
  }
  if (stalledMs() >= PATIENCE_MS) return blocked(stalledMs());
  return forward(options.listener, request, peer, stalledMs);
}

function liveness(
  stalledMs: number,
  alive: boolean,
  thresholdMs: number,
): Response {
  const stall = stalledMs >= STALL_SEEN_MS ? `\n${stallLine(stalledMs)}` : "";
  return alive && stalledMs < thresholdMs
    ? textResponse(200, `ok${stall}`)
    : textResponse(503, `livez check failed${stall}`);
}

function blocked(stalledMs: number): Response {
  return textResponse(503, `failed\n${stallLine(stalledMs)}`);
}

function stallLine(stalledMs: number): string {
  return `main thread blocked for ${Math.round(stalledMs)} ms\n`;
}

function textResponse(status: number, body: string): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...(status === 503 ? { "retry-after": "1" } : {}),
    },
  });
}

async function forward(
  listener: number,
  request: Request,
  peer: string,
  stalledMs: () => number,
): Promise<Response> {
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > MAX_BODY_BYTES || request.headers.has("transfer-encoding")) {
    return textResponse(
      413,
      `needs a Content-Length up to ${MAX_BODY_BYTES}\n`,
    );
  }
  const body = length === 0 ? null : await request.bytes();
  const id = requests++;
  const message: ForwardedRequest = {
    kind: "request",
    request: id,
    listener,
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body,
    peer,
  };
  return await new Promise((resolve) => {
    waiting.set(id, { answer: resolve, stalledMs });
    watch ??= setInterval(giveUpOnStalls, 100);
    request.signal.addEventListener("abort", () => {
      if (waiting.delete(id)) tell({ kind: "abort", request: id });
    }, { once: true });
    tell(message, body === null ? [] : [body.buffer]);
  });
}

function deliver({ request, status, headers, body }: ForwardedAnswer): void {
  const bodyless = status === 204 || status === 304;
  waiting.get(request)?.answer(
    new Response(bodyless ? null : body, {
      status,
      headers: headers as Array<[string, string]>,
    }),
  );
  waiting.delete(request);
}

/** Nobody waits for a main thread that answers nobody. */
function giveUpOnStalls(): void {
  for (const [request, { answer, stalledMs }] of waiting) {
    if (stalledMs() < PATIENCE_MS) continue;
    waiting.delete(request);
    answer(blocked(stalledMs()));
    tell({ kind: "abort", request });
  }
  if (waiting.size > 0) return;
  clearInterval(watch);
  watch = undefined;
}
