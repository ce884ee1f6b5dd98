import { Buffer } from "node:buffer";
import {
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type {
  ExchangeAnswer,
  ExchangeFault,
  ExchangeQuestion,
} from "../domain/http_exchange.ts";

const AGENT = { keepAlive: true, maxFreeSockets: 64, timeout: 10_000 };
const agents = { http: new HttpAgent(AGENT), https: new HttpsAgent(AGENT) };

/** Ends an exchange with a fault. */
class ExchangeFailed extends Error {
  readonly fault: ExchangeFault;

  constructor(fault: ExchangeFault) {
    super(fault);
    this.fault = fault;
  }
}

/** Sends one request. Redirects come back as they are; nothing is decompressed. */
export async function sendExchange(
  question: ExchangeQuestion,
): Promise<ExchangeAnswer> {
  const { id } = question;
  try {
    return { id, ...await exchange(question) };
  } catch (failure) {
    return { id, fault: faultOf(failure) };
  }
}

function exchange(
  question: ExchangeQuestion,
): Promise<Omit<Extract<ExchangeAnswer, { readonly status: number }>, "id">> {
  // The runtime would refuse a name as well: it cannot be resolved here.
  if (isIP(question.address) === 0) throw new ExchangeFailed("address-denied");
  const body = Buffer.from(question.body ?? "", "base64");
  const { promise, resolve, reject } = Promise.withResolvers<
    Omit<Extract<ExchangeAnswer, { readonly status: number }>, "id">
  >();
  const request = (question.tls ? requestHttps : requestHttp)({
    host: question.address,
    port: question.port,
    method: question.method,
    path: question.path,
    headers: {
      ...question.headers,
      host: question.host,
      ...(question.body === undefined ? {} : { "content-length": body.length }),
    },
    agent: question.tls ? agents.https : agents.http,
    ...(question.tls ? { servername: question.serverName } : {}),
  }, (response) => {
    readBody(response, question.maxBytes).then((read) =>
      resolve({
        status: response.statusCode ?? 0,
        headers: headersOf(response),
        body: read.toString("base64"),
      }), reject).finally(() => clearTimeout(timer));
  });
  const timer = setTimeout(() => {
    request.destroy(new ExchangeFailed("timeout"));
    reject(new ExchangeFailed("timeout"));
  }, question.timeoutMs);
  request.on("error", (failure) => {
    clearTimeout(timer);
    reject(failure);
  });
  request.end(body);
  return promise;
}

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > maxBytes) {
      response.destroy();
      throw new ExchangeFailed("response-too-large");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value ?? "",
    ]),
  );
}

function faultOf(failure: unknown): ExchangeFault {
  if (failure instanceof ExchangeFailed) return failure.fault;
  if (failure instanceof Deno.errors.NotCapable) return "address-denied";
  const { code, message = "" } = failure as {
    readonly code?: string;
    readonly message?: string;
  };
  if (/Requires net access|NotCapable/.test(message)) return "address-denied";
  return code?.startsWith("ERR_") && code !== "ERR_TLS_CERT_ALTNAME_INVALID"
    ? "invalid-request"
    : "unreachable";
}
