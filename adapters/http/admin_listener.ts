/**
 * The listener that operators and orchestrators see.
 *
 * @module
 */
import { OperationalError } from "@mainstay/kernel/errors";
import type { Logger } from "@mainstay/kernel/logging";
import type { Part } from "@mainstay/kernel/lifecycle";
import {
  openWorkerListener,
  WorkerFailed,
  type WorkerListener,
} from "./admin_thread.ts";
import { isLoopback } from "./cidr.ts";
import type { HttpHandler } from "./create_handler.ts";
import { type ListenerNames, PortUnavailable } from "./listen_errors.ts";
import { createSelfSignedCertificate } from "./self_signed_certificate.ts";
import { readTlsPair, type TlsFiles } from "./tls_files.ts";

/** Where and how the admin server listens. */
export interface AdminListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly token?: string | undefined;
  /** Without it a certificate is made at start. */
  readonly tls?: TlsFiles | undefined;
  readonly handler: HttpHandler;
  /** The same probes, with nothing private in them, over plain HTTP. */
  readonly probes?: {
    readonly hostname: string;
    readonly port: number;
    readonly handler: HttpHandler;
  } | undefined;
  readonly stallThresholdMs: number;
  alive(): boolean;
  readonly log: Logger;
}

/** The admin server's part. */
export interface AdminListenerPart extends Part {
  readonly address: { hostname: string; port: number } | undefined;
  readonly probeAddress: { hostname: string; port: number } | undefined;
}

/** An admin server that anyone could reach. */
export class AdminExposed extends OperationalError<"admin-exposed"> {
  constructor(hostname: string) {
    super(
      "admin-exposed",
      `Cannot open the admin server on ${hostname}: it is off loopback and ADMIN_TOKEN is not set`,
    );
  }
}

const ADMIN: ListenerNames = {
  listener: "admin server",
  portVariable: "ADMIN_PORT",
  hostVariable: "ADMIN_HOST",
};
const PROBES: ListenerNames = {
  listener: "probe listener",
  portVariable: "PROBE_PORT",
  hostVariable: "SERVICE_HOST",
};
const PROBE_PATHS = ["/livez", "/readyz", "/startupz", "/healthz", "/ready"];

/**
 * Serves the admin routes over HTTPS from the process' admin Worker, and, where
 * asked for, the probes alone over plain HTTP.
 */
export function adminListener(
  options: AdminListenerOptions,
): AdminListenerPart {
  const { hostname, port, handler, probes, log } = options;
  let admin: WorkerListener | undefined;
  let probe: WorkerListener | undefined;
  const basis = {
    stallThresholdMs: options.stallThresholdMs,
    alive: options.alive,
    onFailure: (error: Error) =>
      log.error("The admin server is gone until the next start", { error }),
  };

  return {
    name: "admin-listener",
    get address() {
      return admin;
    },
    get probeAddress() {
      return probe;
    },
    async start() {
      if (!isLoopback(hostname) && options.token === undefined) {
        throw new AdminExposed(hostname);
      }
      const tls = options.tls === undefined
        ? createSelfSignedCertificate(hostsOf(hostname), Date.now())
        : await readTlsPair(options.tls);
      admin = await open(ADMIN, { ...basis, hostname, port, handler, tls });
      log.info("Admin server listening", {
        url: `https://${urlHost(admin)}`,
        access: options.token === undefined ? "loopback" : "token",
      });
      if (probes === undefined) return;
      probe = await open(PROBES, { ...basis, ...probes, paths: PROBE_PATHS });
      log.info("Probes listening", { url: `http://${urlHost(probe)}` });
    },
    async stop() {
      await Promise.all([admin?.close(), probe?.close()]);
      handler.close();
      probes?.handler.close();
    },
  };
}

async function open(
  names: ListenerNames,
  options: Parameters<typeof openWorkerListener>[0],
): Promise<WorkerListener> {
  try {
    return await openWorkerListener(options);
  } catch (cause) {
    if (cause instanceof WorkerFailed) throw cause;
    throw new PortUnavailable(names, options.hostname, options.port, cause);
  }
}

function hostsOf(hostname: string): readonly string[] {
  const unnamed = hostname === "0.0.0.0" || hostname === "::";
  return [
    ...new Set([
      "localhost",
      "127.0.0.1",
      "::1",
      ...(unnamed ? [] : [hostname]),
    ]),
  ];
}

function urlHost(address: { hostname: string; port: number }): string {
  const { hostname, port } = address;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
