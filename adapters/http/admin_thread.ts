/**
 * The main thread's end of the admin Worker.
 *
 * @module
 */
import {
  ALIVE,
  BEAT,
  BEAT_EVERY_MS,
  type ForwardedRequest,
  type FromWorker,
  PULSE_BYTES,
  steadyNowMs,
  type ToWorker,
} from "./admin_protocol.ts";
import type { HttpHandler } from "./create_handler.ts";
import type { TlsPair } from "./tls_files.ts";

/** A listener that the Worker holds for the main thread. */
export interface WorkerListener {
  readonly hostname: string;
  readonly port: number;
  /** Ends it; requests in hand are answered first. Idempotent. */
  close(): Promise<void>;
}

/** What a {@link WorkerListener} is and does. */
export interface WorkerListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: TlsPair | undefined;
  /** Answers what the Worker does not. */
  readonly handler: HttpHandler;
  readonly stallThresholdMs: number;
  /** The only paths that exist. */
  readonly paths?: readonly string[];
  /** Whether liveness checks are well. Asked ten times a second. */
  alive(): boolean;
  /** The Worker has died, and this listener with it. */
  onFailure(failure: Error): void;
}

/** The Worker could not start, or ended with an error that nobody caught. */
export class WorkerFailed extends Error {
  override readonly name = "WorkerFailed";
}

interface Held {
  readonly options: WorkerListenerOptions;
  settle(message: FromWorker | Error): void;
}

/** Deno's own addition to the standard's options. */
const SOCKETS_ONLY: WorkerOptions & { deno: { permissions: unknown } } = {
  type: "module",
  name: "admin",
  deno: {
    permissions: {
      net: "inherit",
      env: false,
      ffi: false,
      import: false,
      read: false,
      run: false,
      sys: false,
      write: false,
    },
  },
};

/**
 * One Worker for all listeners of a process: each costs 10 MB. It ends with its
 * last listener, and never outlives the process.
 */
class AdminThread {
  static #running: AdminThread | undefined;

  readonly #worker = new Worker(
    new URL("./admin_worker.ts", import.meta.url),
    SOCKETS_ONLY,
  );
  readonly #held = new Map<number, Held>();
  readonly #controllers = new Map<number, AbortController>();
  #listeners = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "request") void this.#answer(data);
      else if (data.kind === "abort") {
        this.#controllers.get(data.request)?.abort();
      } else this.#held.get(data.listener)?.settle(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(
        new WorkerFailed(`The admin Worker has failed: ${event.message}`),
      );
    };
  }

  static open(options: WorkerListenerOptions): Promise<WorkerListener> {
    return (AdminThread.#running ??= new AdminThread()).#open(options);
  }

  async #open(options: WorkerListenerOptions): Promise<WorkerListener> {
    const { hostname, port, tls, stallThresholdMs, paths } = options;
    const listener = this.#listeners++;
    const pulse = new SharedArrayBuffer(PULSE_BYTES);
    const slots = new BigInt64Array(pulse);
    const beat = () => {
      Atomics.store(slots, BEAT, BigInt(Math.round(steadyNowMs())));
      Atomics.store(slots, ALIVE, options.alive() ? 1n : 0n);
    };
    beat();
    const timer = setInterval(beat, BEAT_EVERY_MS);
    const end = () => {
      clearInterval(timer);
      this.#held.delete(listener);
      if (this.#held.size === 0) this.#terminate();
    };
    const opened = this.#expect(listener, options);
    this.#tell({
      kind: "open",
      listener,
      hostname,
      port,
      pulse,
      stallThresholdMs,
      ...(tls === undefined ? {} : { tls }),
      ...(paths === undefined ? {} : { paths }),
    });
    try {
      const result = await opened;
      if (result.kind === "refused") {
        throw Object.assign(new Error(result.message), { name: result.name });
      }
      if (result.kind !== "opened") throw new TypeError("Unreachable");
      let closing: Promise<void> | undefined;
      const close = async () => {
        const closed = this.#expect(listener, options);
        this.#tell({ kind: "close", listener });
        await closed.catch(() => {});
        end();
      };
      return {
        hostname: result.hostname,
        port: result.port,
        close: () => closing ??= close(),
      };
    } catch (failure) {
      end();
      throw failure;
    }
  }

  /** The Worker's next word on this listener. */
  #expect(
    listener: number,
    options: WorkerListenerOptions,
  ): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const settle = (message: FromWorker | Error) =>
        message instanceof Error ? reject(message) : resolve(message);
      this.#held.set(listener, { options, settle });
    });
  }

  async #answer(forwarded: ForwardedRequest): Promise<void> {
    const { request: id, method, url, headers, body, peer } = forwarded;
    const held = this.#held.get(forwarded.listener);
    if (held === undefined) return;
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    try {
      const response = await held.options.handler(
        new Request(url, {
          method,
          headers: headers as Array<[string, string]>,
          body,
          signal: controller.signal,
        }),
        { remoteAddr: { hostname: peer } },
      );
      const bytes = await response.bytes();
      this.#tell({
        kind: "answer",
        request: id,
        status: response.status,
        headers: [...response.headers],
        body: bytes,
      }, [bytes.buffer]);
    } catch {
      // Its body broke off: there is nothing left to answer with.
      this.#tell({
        kind: "answer",
        request: id,
        status: 500,
        headers: [],
        body: new Uint8Array(),
      });
    } finally {
      this.#controllers.delete(id);
    }
  }

  #tell(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #fail(failure: Error): void {
    const held = [...this.#held.values()];
    this.#terminate();
    for (const { options, settle } of held) {
      settle(failure);
      options.onFailure(failure);
    }
  }

  #terminate(): void {
    if (AdminThread.#running === this) AdminThread.#running = undefined;
    this.#worker.terminate();
  }
}

/**
 * Opens a listener in the process' admin Worker, which starts with the first
 * one.
 *
 * @throws {WorkerFailed} Without read access to its file it cannot start.
 * @throws {Error} What the system said, under the name that it has in Deno
 *   (`AddrInUse`, …).
 */
export function openWorkerListener(
  options: WorkerListenerOptions,
): Promise<WorkerListener> {
  return AdminThread.open(options);
}
