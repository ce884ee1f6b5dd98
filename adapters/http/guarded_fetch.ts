/**
 * Requests to addresses that others have given.
 *
 * @module
 */
import { lookup as resolve, type LookupAddress } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { OperationalError } from "@mainstay/kernel/errors";
import { isPrivateAddress } from "./private_networks.ts";

/** What is asked, and how much of an answer is borne. */
export interface GuardedFetchOptions {
  /** Default `GET`. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For all of it: name, connection, answer. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default 65,536. */
  readonly maxBytes?: number;
  /** Whether plain HTTP and the machine's own networks are allowed, as in development. Default false. */
  readonly allowPrivate?: boolean;
  readonly signal?: AbortSignal;
}

/** What came back; redirects come back as they are. */
export interface GuardedAnswer {
  readonly status: number;
  readonly body: string;
}

/** An address that was not asked, or gave no usable answer. */
export class OutboundRefused extends OperationalError<"outbound-refused"> {
  constructor(state: string, cause?: unknown) {
    super("outbound-refused", `Cannot ask the address: ${state}`, { cause });
  }
}

/**
 * Asks an address that a stranger may have written: over https, on the public
 * internet, without following redirects, within bounds of time and size.
 *
 * The address is judged after its name is resolved, and the connection goes to
 * what was judged: a name that resolves to something else the next moment gains
 * nothing.
 *
 * @throws {OutboundRefused}
 */
export async function guardedFetch(
  address: string,
  options: GuardedFetchOptions = {},
): Promise<GuardedAnswer> {
  const { allowPrivate = false, timeoutMs = 5_000 } = options;
  const url = allowedUrl(address, allowPrivate);
  const times = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined
    ? times
    : AbortSignal.any([times, options.signal]);
  try {
    return await ask(url, options, signal);
  } catch (failure) {
    options.signal?.throwIfAborted();
    if (failure instanceof OutboundRefused) throw failure;
    throw new OutboundRefused(
      times.aborted ? "it does not answer in time" : "it cannot be reached",
      failure,
    );
  }
}

function allowedUrl(address: string, allowPrivate: boolean): URL {
  if (!URL.canParse(address)) throw new OutboundRefused("it is no URL");
  const url = new URL(address);
  const { protocol, username, password } = url;
  if (protocol !== "https:" && !(allowPrivate && protocol === "http:")) {
    throw new OutboundRefused("it is not https");
  }
  if (username !== "" || password !== "") {
    throw new OutboundRefused("it holds credentials");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // A name is judged when it is resolved; an address never is.
  if (!allowPrivate && isIP(host) !== 0) requirePublic([host]);
  return url;
}

/** All of them: which one is taken is up to the system. */
function requirePublic(addresses: readonly string[]): void {
  if (addresses.length > 0 && !addresses.some(isPrivateAddress)) return;
  throw new OutboundRefused("it is not on the public internet");
}

const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { all: true }, (failure, found: LookupAddress[]) => {
    if (failure) return callback(failure, "");
    try {
      requirePublic(found.map(({ address }) => address));
    } catch (refusal) {
      return callback(refusal as Error, "");
    }
    const { address, family } = found[0]!;
    if (options.all) callback(null, found);
    else callback(null, address, family);
  });
};

function ask(
  url: URL,
  options: GuardedFetchOptions,
  signal: AbortSignal,
): Promise<GuardedAnswer> {
  const { method = "GET", headers = {}, body, allowPrivate = false } = options;
  const { maxBytes = 65_536 } = options;
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const { promise, resolve: done, reject } = Promise.withResolvers<
    GuardedAnswer
  >();
  const outgoing = request(url, {
    method,
    headers: body === undefined
      ? headers
      : { ...headers, "content-length": String(byteLength(body)) },
    agent: false,
    signal,
    ...(allowPrivate ? {} : { lookup: publicLookup }),
  }, (incoming) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    incoming.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= maxBytes) return;
      reject(new OutboundRefused(`it answers more than ${maxBytes} bytes`));
      outgoing.destroy();
    });
    incoming.on("error", reject);
    incoming.on("end", () => {
      const text = new TextDecoder().decode(concat(chunks, length));
      done({ status: incoming.statusCode ?? 0, body: text });
    });
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
