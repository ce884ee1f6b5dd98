import {
  type NewResourceBody,
  resource,
  type ResourceBody,
  resourcePage,
  type ResourcePageBody,
  type SessionBody,
  sessionList,
  sessionsEnded,
  statusReport,
  type StatusReportBody,
} from "@mainstay/contracts/identity";
import type { z } from "zod";
import { Failure, failureOf } from "./failure.ts";
import type { SignIn } from "./sign_in.ts";

/** How long an answer may take. */
const TIMEOUT_MS = 15_000;

/** The resource server, as the console uses it. Every method throws {@link Failure}. */
export interface RsClient {
  resources(after?: string): Promise<ResourcePageBody>;
  create(given: NewResourceBody): Promise<ResourceBody>;
  delete(id: string): Promise<void>;
  sessions(): Promise<readonly SessionBody[]>;
  endSession(id: string): Promise<void>;
  /** Ends all of them, and with them this sign-in. */
  endAllSessions(): Promise<number>;
  /** Needs no sign-in. */
  status(signal?: AbortSignal): Promise<StatusReportBody>;
}

/** What a call is, apart from its path. */
interface Call {
  /** As in "Cannot <act>". */
  readonly act: string;
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Default true. */
  readonly withToken?: boolean;
}

/** Creates the client of the resource server at `baseUrl`. */
export function createRsClient(
  baseUrl: string,
  signIn: Pick<SignIn, "token">,
): RsClient {
  const base = baseUrl.replace(/\/$/, "");

  async function send(
    path: string,
    { act, method = "GET", body, signal }: Call,
    token?: string,
  ): Promise<Response> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    try {
      return await fetch(`${base}/api/v1/${path}`, {
        method,
        headers: {
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: "omit",
        redirect: "error",
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new Failure(
        "unreachable",
        `Cannot ${act}: the resource server cannot be reached. Nothing is lost; try again.`,
        { cause },
      );
    }
  }

  async function call(path: string, given: Call): Promise<Response> {
    let response: Response;
    if (given.withToken === false) response = await send(path, given);
    else {
      const token = await signIn.token();
      response = await send(path, given, token);
      if (response.status === 401) {
        await response.body?.cancel();
        response = await send(path, given, await signIn.token(token));
      }
    }
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw failureOf(given.act, response, body ?? {});
  }

  async function read<Value>(
    path: string,
    schema: z.ZodType<Value>,
    given: Call,
  ): Promise<Value> {
    const response = await call(path, given);
    const parsed = schema.safeParse(await response.json().catch(() => null));
    if (parsed.success) return parsed.data;
    throw new Failure(
      "refused",
      `Cannot ${given.act}: the resource server's answer is not what this console expects. Reload the page: it may be out of date.`,
      { cause: parsed.error },
    );
  }

  return {
    resources(after) {
      const query = after === undefined
        ? ""
        : `?after=${encodeURIComponent(after)}`;
      return read(`protected/resource${query}`, resourcePage, {
        act: "list your resources",
      });
    },
    create: (given) =>
      read("protected/resource", resource, {
        act: "create the resource",
        method: "POST",
        body: given,
      }),
    async delete(id) {
      await call(`protected/resource/${encodeURIComponent(id)}`, {
        act: "delete the resource",
        method: "DELETE",
      });
    },
    async sessions() {
      const { sessions } = await read("account/sessions", sessionList, {
        act: "list your sessions",
      });
      return sessions;
    },
    async endSession(id) {
      await call(`account/sessions/${encodeURIComponent(id)}`, {
        act: "sign out that browser",
        method: "DELETE",
      });
    },
    async endAllSessions() {
      const { ended } = await read("account/sessions", sessionsEnded, {
        act: "sign out everywhere",
        method: "DELETE",
      });
      return ended;
    },
    status: (signal) =>
      read("status", statusReport, {
        act: "show the status",
        signal,
        withToken: false,
      }),
  };
}
