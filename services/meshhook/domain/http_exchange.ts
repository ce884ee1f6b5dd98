/**
 * What the orchestrator and its executor say to each other: a JSON document a
 * line, questions one way and answers the other, in any order.
 *
 * @module
 */

/** A request to be sent, to an address that was vetted. */
export interface ExchangeQuestion {
  readonly id: number;
  /** An IP literal: the executor resolves no name. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** `Host`, and over TLS the server name: whom the sender means to reach. */
  readonly host: string;
  readonly serverName: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body?: string;
  /** For all of it: connection, request, answer. */
  readonly timeoutMs: number;
  /** Longest answer that is kept. */
  readonly maxBytes: number;
}

/** Asks whether the executor answers at all. */
export interface Ping {
  readonly id: number;
  readonly ping: true;
}

/** That it does. */
export interface Pong {
  readonly id: number;
  readonly pong: true;
}

/** Why there is no answer; stable. */
export type ExchangeFault =
  | "address-denied"
  | "unreachable"
  | "timeout"
  | "response-too-large"
  | "invalid-request";

/** What came back. */
export type ExchangeAnswer =
  | {
    readonly id: number;
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    /** Base64. */
    readonly body: string;
  }
  | { readonly id: number; readonly fault: ExchangeFault };
