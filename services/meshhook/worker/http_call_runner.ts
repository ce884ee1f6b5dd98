import { Buffer } from "node:buffer";
import { OperationalError } from "@mainstay/kernel/errors";
import { retryDelayMs } from "@mainstay/kernel/resilience";
import type { StepResult } from "../domain/advance_run.ts";
import { hostOf } from "../domain/called_host.ts";
import type { EngineStore } from "../domain/engine_store.ts";
import type { ExchangeAnswer } from "../domain/http_exchange.ts";
import type { Json } from "../domain/run_event.ts";
import type {
  StepContext,
  StepHeld,
  StepRunner,
} from "../domain/step_runner.ts";
import type { Executor } from "./executor_process.ts";
import type { HostGate } from "./host_gate.ts";
import {
  refusalOf,
  StepRefused,
  type StepValues,
  stepValues,
  type StepValuesOptions,
} from "./step_values.ts";
import { type OpenTargets, type ResolveName, vetTarget } from "./vet_target.ts";

/** What calling others needs. */
export interface HttpCallOptions extends StepValuesOptions {
  readonly executor: Pick<Executor, "send">;
  readonly hosts: HostGate;
  readonly store: Pick<EngineStore, "enterHost">;
  readonly open: OpenTargets;
  readonly now: () => number;
  readonly resolve?: ResolveName;
}

/** A request before its address is judged. */
interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Retry {
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

const MAX_ANSWER_BYTES = 1_048_576;
const MAX_REDIRECTS = 5;
/** Answers after which the same request may succeed. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Set by us, or about the connection: nobody's to set. */
const RESERVED =
  /^(host|content-length|connection|transfer-encoding|te|upgrade|keep-alive|proxy-.*|trailer|idempotency-key)$/i;

/**
 * Calls an address and keeps its answer: `{status, headers, body}`.
 *
 * Every attempt of a step carries the same `Idempotency-Key`. What may pass (no
 * connection, a timeout, 408, 425, 429, 5xx) is tried again, later each time;
 * any other answer above 299 ends the step. A host that has no room or is left
 * alone gets no request: the step waits, and no attempt is counted.
 */
export function httpCallRunner(
  options: HttpCallOptions,
): StepRunner<"http_call"> {
  return async (node, context) => {
    const values = stepValues(context, options);
    const { task } = context;
    const { hosts } = options;
    try {
      const url = textOf(await values.render(node.url), "url");
      // What is no URL is refused later, with its reason.
      const host = hostOf(url) ?? "";
      const held = await heldBack(host, context, options);
      if (held !== undefined) return held;
      const request = await requestOf(node, { url, context, values });
      const answer = await hosts.call(
        { projectId: task.projectId, host },
        () => send(request, node.timeoutMs, options),
        isHostsFault,
      );
      if ("heldMs" in answer) return { held: { host, ...answer } };
      if ("fault" in answer) {
        const { fault } = answer;
        const message = `There was no answer: ${fault}`;
        return isHostsFault(answer)
          ? failed(fault, message, node.retry, context, options)
          : { error: { code: fault, message } };
      }
      const { status } = answer;
      if (status >= 200 && status < 300) {
        return { output: values.mask(outputOf(answer)) };
      }
      const message = `The answer was ${status}`;
      return TRANSIENT.has(status)
        ? failed("http-status", message, node.retry, context, options, answer)
        : { error: { code: "http-status", message } };
    } catch (failure) {
      if (
        failure instanceof OperationalError && failure.code === "executor-lost"
      ) {
        return failed(
          failure.code,
          "The request may have been sent",
          node.retry,
          context,
          options,
        );
      }
      const refusal = refusalOf(failure);
      if (refusal === undefined) throw failure;
      return failure instanceof StepRefused &&
          failure.code === "name-unresolved"
        ? failed(failure.code, failure.message, node.retry, context, options)
        : refusal;
    }
  };
}

/** Whether a step has to wait for its host, and for how long. */
async function heldBack(
  host: string,
  { task }: StepContext,
  { hosts, store }: HttpCallOptions,
): Promise<StepHeld | undefined> {
  const heldMs = hosts.heldMs({ projectId: task.projectId, host });
  if (heldMs !== undefined) return { held: { host, heldMs } };
  if (host === (task.host ?? "") || await store.enterHost(task, host)) {
    return undefined;
  }
  return { held: { host } };
}

/** Whether the host is not well; what it refuses says nothing of that. */
function isHostsFault(answer: ExchangeAnswer): boolean {
  return "fault" in answer
    ? answer.fault === "unreachable" || answer.fault === "timeout"
    : answer.status >= 500;
}

async function requestOf(
  node: Parameters<StepRunner<"http_call">>[0],
  { url, context: { task }, values }: {
    readonly url: string;
    readonly context: StepContext;
    readonly values: StepValues;
  },
): Promise<Request> {
  const headers: Record<string, string> = {
    "user-agent": "MeshHook",
    "idempotency-key": `${task.runId}:${task.node}`,
  };
  for (const [name, template] of Object.entries(node.headers)) {
    if (RESERVED.test(name)) {
      throw new StepRefused("header-refused", `${name} is not to be set`);
    }
    headers[name.toLowerCase()] = textOf(await values.render(template), name);
  }
  if (node.body === undefined || node.method === "GET") {
    return { method: node.method, url, headers };
  }
  const body = await values.render(node.body);
  headers["content-type"] ??= typeof body === "string"
    ? "text/plain; charset=utf-8"
    : "application/json";
  return {
    method: node.method,
    url,
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** Judges each address on the way, also those that answers send on to. */
async function send(
  first: Request,
  timeoutMs: number,
  { executor, open, resolve, now }: HttpCallOptions,
): Promise<ExchangeAnswer> {
  const deadline = now() + timeoutMs;
  let request = first;
  for (let hop = 0;; hop++) {
    const { url, address, port } = await vetTarget(request.url, {
      open,
      ...(resolve && { resolve }),
    });
    const answer = await executor.send({
      address,
      port,
      tls: url.protocol === "https:",
      host: url.host,
      serverName: url.hostname,
      method: request.method,
      path: url.pathname + url.search,
      headers: request.headers,
      timeoutMs: Math.max(1, deadline - now()),
      maxBytes: MAX_ANSWER_BYTES,
      ...(request.body === undefined
        ? {}
        : { body: Buffer.from(request.body).toString("base64") }),
    });
    const location = "status" in answer && isRedirect(answer.status)
      ? answer.headers["location"]
      : undefined;
    if (location === undefined) return answer;
    if (hop === MAX_REDIRECTS) {
      throw new StepRefused("too-many-redirects", "It is sent on and on");
    }
    request = redirected(request, url, location, answer);
  }
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** As browsers do it: to another origin, nothing goes along that was meant for this one. */
function redirected(
  { method, headers, body }: Request,
  from: URL,
  location: string,
  answer: ExchangeAnswer,
): Request {
  if (!URL.canParse(location, from)) {
    throw new StepRefused(
      "address-refused",
      "The address is refused: it is no URL",
    );
  }
  const to = new URL(location, from);
  const keepsMethod = "status" in answer && answer.status >= 307;
  const sameOrigin = to.origin === from.origin;
  const kept = Object.entries(headers).filter(([name]) =>
    (sameOrigin || name === "idempotency-key" || name === "user-agent") &&
    (keepsMethod || name !== "content-type")
  );
  if (keepsMethod && !sameOrigin && body !== undefined) {
    throw new StepRefused(
      "redirect-refused",
      "It is sent on to another origin with its body",
    );
  }
  return {
    method: keepsMethod || method === "GET" ? method : "GET",
    url: to.href,
    headers: Object.fromEntries(kept),
    ...(keepsMethod && body !== undefined ? { body } : {}),
  };
}

/** A failure that is tried again, unless it was the last attempt. */
function failed(
  code: string,
  message: string,
  { maxAttempts, baseDelayMs, maxDelayMs }: Retry,
  { task }: StepContext,
  { now }: HttpCallOptions,
  answer?: Extract<ExchangeAnswer, { readonly status: number }>,
): StepResult {
  const error = { code, message };
  const retry = task.failures + 1;
  if (retry >= maxAttempts) return { error };
  const delays = { baseMs: baseDelayMs, maxMs: maxDelayMs };
  const asked = retryAfterMs(answer?.headers["retry-after"], now());
  const delayMs = Math.max(retryDelayMs(delays, retry), asked ?? 0);
  return { error, retryAtMs: Math.ceil(now() + Math.min(delayMs, maxDelayMs)) };
}

function retryAfterMs(
  value: string | undefined,
  nowMs: number,
): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function outputOf(
  { status, headers, body }: Extract<ExchangeAnswer, {
    readonly status: number;
  }>,
): Json {
  const text = Buffer.from(body, "base64").toString("utf8");
  const { "set-cookie": _, ...visible } = headers;
  return { status, headers: visible, body: jsonOrText(text, headers) };
}

function jsonOrText(
  text: string,
  headers: Readonly<Record<string, string>>,
): Json {
  if (
    !/^application\/(?:[\w.+-]+\+)?json/i.test(headers["content-type"] ?? "")
  ) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(value: Json, where: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  throw new StepRefused("template-failed", `${where} is not a text`);
}
