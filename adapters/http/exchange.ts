import type { Logger } from "@mainstay/kernel/logging";
import type {
  ClientCertificate,
  RequestContext,
} from "@mainstay/kernel/lifecycle";
import type { RequestSpan } from "@mainstay/kernel/telemetry";
import { clientAddressOf } from "./client_address.ts";
import { forwardedCertificate } from "./forwarded_certificate.ts";
import { type Networks, plainAddress } from "./cidr.ts";
import type { RateDecision } from "./rate_limit.ts";
import { readBody, readShortBody } from "./request_body.ts";
import { BodyTimeout, RequestTimeout } from "./http_errors.ts";

/** What is known of a connection; `Deno.ServeHandlerInfo` is one. */
export interface PeerInfo {
  readonly remoteAddr: Deno.Addr | { readonly hostname: string };
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** What one exchange takes from its listener and its route. */
export interface ExchangeSettings {
  readonly log: Logger;
  readonly draining: AbortSignal;
  readonly trustedProxies: Networks;
  /** Whether those proxies say in `Client-Cert` what certificate they have checked. */
  readonly certificateHeader: boolean;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** `Infinity` for event streams. */
  readonly timeoutMs: number;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * One request under way: the context of its handler, and what can end it.
 *
 * Everything that most handlers never ask for (URL, addresses, signal) is made
 * at the first use: made at once they would double the adapter's cost.
 */
export class Exchange<Settings extends ExchangeSettings = ExchangeSettings>
  implements RequestContext {
  readonly request: Request;
  readonly correlationId: string;
  readonly startedMs: number;
  readonly settings: Settings;
  params: Readonly<Record<string, string>> = NO_PARAMS;
  /** Where {@link InFlight} keeps it. */
  place = -1;
  /** What the rate limit said of it. */
  rate: RateDecision | undefined;
  /** Its part of a trace, where it is traced. */
  span: RequestSpan | undefined;
  /** Set while a handler's promise is waited for: what its answer goes to. */
  resolve: ((response: Response) => void) | undefined;

  readonly #info: PeerInfo;
  #url: URL | undefined;
  #clientAddress: string | undefined;
  #controller: AbortController | undefined;
  #cut: Error | undefined;
  #body: Promise<Uint8Array<ArrayBuffer>> | undefined;
  #bodySinceMs: number | undefined;
  #left = false;

  constructor(
    request: Request,
    info: PeerInfo,
    correlationId: string,
    startedMs: number,
    settings: Settings,
  ) {
    this.request = request;
    this.correlationId = correlationId;
    this.startedMs = startedMs;
    this.#info = info;
    this.settings = settings;
  }

  get url(): URL {
    return this.#url ??= new URL(this.request.url);
  }

  get log(): Logger {
    return this.settings.log;
  }

  get draining(): AbortSignal {
    return this.settings.draining;
  }

  get peerAddress(): string {
    const address = this.#info.remoteAddr;
    return "hostname" in address ? plainAddress(address.hostname) : "local";
  }

  get clientAddress(): string {
    return this.#clientAddress ??= clientAddressOf(
      this.peerAddress,
      this.request.headers.get("x-forwarded-for"),
      this.settings.trustedProxies,
    );
  }

  get clientCertificate(): ClientCertificate | undefined {
    const shown = this.#info.clientCertificate;
    const { certificateHeader, trustedProxies } = this.settings;
    if (shown !== undefined || !certificateHeader) return shown;
    if (!trustedProxies.has(this.peerAddress)) return undefined;
    return forwardedCertificate(this.request.headers.get("client-cert"));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      const client = this.request.signal;
      if (this.#cut !== undefined) controller.abort(this.#cut);
      else if (client.aborted) controller.abort(client.reason);
      else {
        client.addEventListener(
          "abort",
          () => controller.abort(client.reason),
          { once: true },
        );
      }
    }
    return this.#controller.signal;
  }

  /** Whether the client has gone, as far as anyone asked. */
  get abandoned(): boolean {
    return this.#left ||
      (this.#controller !== undefined && this.#cut === undefined &&
        this.#controller.signal.aborted);
  }

  /** A function of its own, so that a handler may take it out of its context. */
  get body(): () => Promise<Uint8Array<ArrayBuffer>> {
    return () => this.#body ??= this.#readBody();
  }

  /** Whether some of its body may still be on its way. */
  get receiving(): boolean {
    return this.#body === undefined
      ? this.request.body !== null
      : this.#bodySinceMs !== undefined;
  }

  async #readBody(): Promise<Uint8Array<ArrayBuffer>> {
    this.#bodySinceMs = performance.now();
    const { request, settings: { maxBodyBytes } } = this;
    try {
      const short = readShortBody(request, maxBodyBytes);
      return short === undefined
        ? await readBody(request, maxBodyBytes, this.signal)
        : await short.catch((failure) => {
          this.#left = this.#cut === undefined;
          throw this.#cut ?? failure;
        });
    } finally {
      this.#bodySinceMs = undefined;
    }
  }

  /** What of its times is up. */
  overdue(nowMs: number): Error | undefined {
    const { timeoutMs, bodyTimeoutMs } = this.settings;
    if (nowMs - this.startedMs >= timeoutMs) {
      return new RequestTimeout(timeoutMs);
    }
    const since = this.#bodySinceMs;
    if (since !== undefined && nowMs - since >= bodyTimeoutMs) {
      return new BodyTimeout(bodyTimeoutMs);
    }
    return undefined;
  }

  /** Aborts the signal: whatever the handler still does, nobody waits for it. */
  abort(reason: Error): void {
    this.#cut ??= reason;
    this.#controller?.abort(reason);
  }
}
