import { OperationalError } from "@mainstay/kernel/errors";
import { UsageError } from "./usage_error.ts";

/** The service answered that it will not. */
class ServiceRefused extends OperationalError {}

/** No answer came. */
class ServiceUnreachable extends OperationalError<"service-unreachable"> {
  constructor({ name, url }: ServiceAddress, cause: unknown) {
    super(
      "service-unreachable",
      `Cannot reach ${name} at ${new URL(url).origin}: is it running?`,
      { cause },
    );
  }
}

/** Which service is asked, and as whom. */
export interface ServiceAddress {
  /** For a person: "the events service". */
  readonly name: string;
  readonly url: string;
  readonly key: string | undefined;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a request is made of. */
export interface ClientRequest {
  readonly query?: Readonly<
    Record<string, string | readonly string[] | undefined>
  >;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Asks a running service. */
export interface ServiceClient {
  /**
   * @throws {OperationalError} With the problem's code and words if the service
   *   refuses, `service-unreachable` if it gives no answer.
   */
  send(
    method: Method,
    path: string,
    request?: ClientRequest,
  ): Promise<Response>;
  /** The same, with the answer's JSON; undefined for none. */
  json(
    method: Method,
    path: string,
    request?: ClientRequest,
  ): Promise<unknown>;
}

/**
 * Creates the client of a service.
 *
 * @throws {UsageError} If the URL is none.
 */
export function createServiceClient(address: ServiceAddress): ServiceClient {
  const { url, key } = address;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("--url needs a URL that begins with http(s)://");
  }

  const send: ServiceClient["send"] = async (method, path, request = {}) => {
    const target = new URL(path, url.endsWith("/") ? url : `${url}/`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      for (const one of [value ?? []].flat()) {
        target.searchParams.append(name, one);
      }
    }
    const headers = new Headers(
      key === undefined ? {} : { authorization: `Bearer ${key}` },
    );
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (value !== undefined) headers.set(name, value);
    }
    const { body, signal } = request;
    let response: Response;
    try {
      response = await fetch(target, {
        method,
        headers,
        redirect: "error",
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw new ServiceUnreachable(address, error);
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  };
  return {
    send,
    async json(method, path, request) {
      const text = await (await send(method, path, request)).text();
      return text === "" ? undefined : JSON.parse(text);
    },
  };
}

/** A variable that says something. */
export function setVariable(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

/**
 * Reads a key from its file: it is never taken from the command line, where
 * every user of the machine can read it.
 *
 * @throws {UsageError} If the file cannot be read.
 */
export function readKey(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    throw new UsageError(`Cannot read --api-key-file ${path}`);
  }
}

/** The problem's own words, mistakes included. */
async function refusalOf(response: Response): Promise<ServiceRefused> {
  const text = await response.text();
  let problem: {
    readonly type?: string;
    readonly detail?: string;
    readonly errors?: ReadonlyArray<{ pointer: string; detail: string }>;
  } = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // A proxy's page: its status has to do.
  }
  const code = problem.type?.replace("urn:mainstay:problem:", "");
  const mistakes = (problem.errors ?? []).map(({ pointer, detail }) =>
    `  ${pointer || "the body"}: ${detail}`
  );
  return new ServiceRefused(
    code ?? `http-${response.status}`,
    [
      problem.detail ?? `The service answered ${response.status}`,
      ...mistakes,
    ].join("\n"),
  );
}
