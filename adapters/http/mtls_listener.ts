/**
 * The listener that asks clients for a certificate (mutual TLS).
 *
 * `Deno.serve` asks nobody for one, so this stands on node:https.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ClientCertificate } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { certificateAuthorities } from "./certificate_authorities.ts";
import type { HttpHandler } from "./create_handler.ts";
import { PortUnavailable } from "./listen_errors.ts";
import type { ListenerPart } from "./public_listener.ts";
import { shownCertificates } from "./shown_certificates.ts";
import { readTlsPair, type TlsFiles } from "./tls_files.ts";

/** Where to listen, and whose certificates name clients. */
export interface MtlsListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls: TlsFiles;
  /** PEM; without it every certificate is only a key. */
  readonly caFile?: string | undefined;
  readonly log: Logger;
}

const NAMES = {
  listener: "mutual TLS listener",
  portVariable: "MTLS_PORT",
  hostVariable: "SERVICE_HOST",
};
const HEADERS_MS = 10_000;
const IDLE_MS = 120_000;

/**
 * Serves `handler` over HTTPS and hands on what certificate a client has shown.
 *
 * Clients may show any certificate that they hold the key of, or none: what it
 * means is the routes' to say, by `trusted` and by the key.
 *
 * The handler is closed by its public listener, which this one stands beside.
 */
export function mtlsListener(
  handler: HttpHandler,
  options: MtlsListenerOptions,
): ListenerPart {
  const { hostname, port, log } = options;
  let server: Server | undefined;

  function addressOf(running: Server | undefined): Deno.NetAddr | undefined {
    const address = running?.address() as AddressInfo | null | undefined;
    return address
      ? { transport: "tcp", hostname: address.address, port: address.port }
      : undefined;
  }

  return {
    name: "mtls-listener",
    get address() {
      return addressOf(server);
    },
    async start() {
      const pair = await readTlsPair(options.tls);
      const authorities = options.caFile === undefined
        ? undefined
        : certificateAuthorities(await Deno.readTextFile(options.caFile));
      const certificates = shownCertificates(authorities);
      const opened = createServer({
        ...pair,
        ...(authorities && { ca: [authorities.pem] }),
        requestCert: true,
        rejectUnauthorized: false,
      }, (incoming, outgoing) => {
        const socket = incoming.socket as TLSSocket;
        void serve(handler, certificates.of(socket), incoming, outgoing);
      });
      opened.on("secureConnection", certificates.note);
      opened.headersTimeout = HEADERS_MS;
      opened.keepAliveTimeout = IDLE_MS;
      try {
        await new Promise<void>((resolve, reject) => {
          opened.once("error", reject);
          opened.listen(port, hostname, resolve);
        });
      } catch (cause) {
        throw new PortUnavailable(NAMES, hostname, port, cause);
      }
      server = opened;
      log.info("Listening for clients with certificates", {
        port: addressOf(opened)?.port,
      });
    },
    async drain(signal) {
      if (server === undefined) return;
      const closed = closeServer(server);
      server.closeIdleConnections();
      const cut = () => server?.closeAllConnections();
      signal.addEventListener("abort", cut, { once: true });
      await closed;
      signal.removeEventListener("abort", cut);
    },
    async stop() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      const closed = closeServer(closing);
      closing.closeAllConnections();
      await closed;
    },
  };
}

function closeServer(server: Server): Promise<void> {
  // Its one error is that it is closed already.
  return new Promise((resolve) => server.close(() => resolve()));
}

async function serve(
  handler: HttpHandler,
  clientCertificate: ClientCertificate | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) left.abort();
  });
  const request = requestOf(incoming, left.signal);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const { remoteAddress = "" } = incoming.socket;
  const response = await handler(request, {
    remoteAddr: { hostname: remoteAddress },
    clientCertificate,
  });
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) {
    outgoing.end();
    return;
  }
  Readable.fromWeb(response.body)
    .on("error", () => outgoing.destroy())
    .pipe(outgoing);
}

/** Undefined where `Host` or the target makes no URL. */
function requestOf(
  incoming: IncomingMessage,
  signal: AbortSignal,
): Request | undefined {
  const { method = "GET", headers, rawHeaders, url = "/" } = incoming;
  try {
    const fields = new Headers();
    for (let at = 0; at < rawHeaders.length; at += 2) {
      fields.append(rawHeaders[at]!, rawHeaders[at + 1]!);
    }
    const bodyless = method === "GET" || method === "HEAD";
    return new Request(new URL(url, `https://${headers.host}`), {
      method,
      headers: fields,
      body: bodyless ? null : Readable.toWeb(incoming),
      signal,
      // A body that is still on its way needs it (Fetch, `duplex`).
      ...({ duplex: "half" } as RequestInit),
    });
  } catch {
    return undefined;
  }
}
