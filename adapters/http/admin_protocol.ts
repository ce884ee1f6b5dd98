/**
 * What the main thread and the admin Worker tell each other.
 *
 * @module
 */

/** Opens a listener in the Worker. */
export interface OpenListener {
  readonly kind: "open";
  readonly listener: number;
  readonly hostname: string;
  readonly port: number;
  /** Without it: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** See {@link BEAT}. */
  readonly pulse: SharedArrayBuffer;
  readonly stallThresholdMs: number;
  /** The only paths that exist; every path without it. */
  readonly paths?: readonly string[];
}

/** The main thread's answer to a {@link ForwardedRequest}. */
export interface ForwardedAnswer {
  readonly kind: "answer";
  readonly request: number;
  readonly status: number;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** From the main thread to the Worker. */
export type ToWorker =
  | OpenListener
  | { readonly kind: "close"; readonly listener: number }
  | ForwardedAnswer;

/** A request that the Worker does not answer itself. */
export interface ForwardedRequest {
  readonly kind: "request";
  readonly request: number;
  readonly listener: number;
  readonly method: string;
  readonly url: string;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly peer: string;
}

/** From the Worker to the main thread. */
export type FromWorker =
  | ForwardedRequest
  /** Its client has left, or was told that the main thread is blocked. */
  | { readonly kind: "abort"; readonly request: number }
  | {
    readonly kind: "opened";
    readonly listener: number;
    readonly hostname: string;
    readonly port: number;
  }
  | {
    readonly kind: "refused";
    readonly listener: number;
    readonly name: string;
    readonly message: string;
  }
  | { readonly kind: "closed"; readonly listener: number };

/** Slots of the pulse, a `BigInt64Array`: when the main thread last ran … */
export const BEAT = 0;
/** … and whether its liveness checks were well then: 1 or 0. */
export const ALIVE = 1;
/** Bytes of a pulse. */
export const PULSE_BYTES = 16;
/** How often the main thread writes it. */
export const BEAT_EVERY_MS = 100;

/** Epoch milliseconds that no clock adjustment moves, comparable between threads. */
export function steadyNowMs(): number {
  return performance.timeOrigin + performance.now();
}
