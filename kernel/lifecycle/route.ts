import type { Logger } from "../logging/logger.ts";

/** A certificate that a client has shown, and shown to be its own (mutual TLS). */
export interface ClientCertificate {
  /** DER. */
  readonly der: Uint8Array;
  /** Whether an authority that the listener trusts vouches for it; else it is only a key. */
  readonly trusted: boolean;
}

/** What a route's handler is given besides the request. */
export interface RequestContext {
  /** Decoded values of the path pattern's parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** The request's URL, parsed once. */
  readonly url: URL;
  readonly correlationId: string;
  /** The client: the peer, or what a trusted proxy says of it. */
  readonly clientAddress: string;
  /** The TCP peer itself, whatever a header says. */
  readonly peerAddress: string;
  /** Undefined where the client showed none, or the listener asks for none. */
  readonly clientCertificate?: ClientCertificate | undefined;
  readonly log: Logger;
  /** Aborts when the client leaves, the request's time is up, or its service is cut off. */
  readonly signal: AbortSignal;
  /** Aborts when the service begins to drain: event streams end on it. */
  readonly draining: AbortSignal;
  /** The body as bytes, read once, refused with 413 past the route's `maxBodyBytes`. */
  body(): Promise<Uint8Array<ArrayBuffer>>;
}

/** A JSON Schema (2020-12), as zod's `z.toJSONSchema` makes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What OpenAPI says of a route. */
export interface RouteDoc {
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Query and header parameters; path parameters come from the pattern. */
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: "query" | "header" | "path";
    readonly description: string;
    readonly required?: boolean;
    readonly schema?: JsonSchema;
  }>;
  /** Schema by content type. */
  readonly request?: Readonly<Record<string, JsonSchema>>;
  /** By status. Errors need no row: every operation has the problem response. */
  readonly responses: Readonly<
    Record<
      number,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, JsonSchema>>;
      }
    >
  >;
  /** Names of security schemes, any of which suffices. */
  readonly security?: readonly string[];
}

/**
 * One method on one path, with a handler that knows no server framework.
 *
 * A handler answers with a `Response` or throws: an `OperationalError` becomes
 * the problem that the service's table says, anything else a generic 500.
 */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/events/:id`: literal segments and `:name` parameters. */
  readonly path: string;
  handle(
    request: Request,
    context: RequestContext,
  ): Response | Promise<Response>;
  /** Default 1 MiB. A longer body is refused with 413 before it is buffered. */
  readonly maxBodyBytes?: number;
  /** Time for the whole request; `"none"` for event streams. Default 30,000. */
  readonly timeoutMs?: number | "none";
  /**
   * Whether scripts of the origins that the service lets in (CORS) may read
   * answers of this path. Default true.
   */
  readonly crossOrigin?: boolean;
  /** Left out of rate limits, and sampled in the access log. */
  readonly probe?: boolean;
  readonly doc?: RouteDoc;
}
