import { OperationalError } from "@mainstay/kernel/errors";
import type { OptionSpecs, OptionValues } from "../command.ts";
import { UsageError } from "../usage_error.ts";

/** Options of every command that asks a running service. */
export const CLIENT_OPTIONS = {
  url: {
    type: "string",
    value: "<url>",
    description:
      "The service; default MAINSTAY_EVENTS_URL or http://localhost:8000",
  },
  "api-key-file": {
    type: "string",
    value: "<file>",
    description: "File that holds the API key; default MAINSTAY_API_KEY",
  },
} as const satisfies OptionSpecs;

/** The service answered that it will not. */
class ServiceRefused extends OperationalError {}

/** No answer came. */
class ServiceUnreachable extends OperationalError<"service-unreachable"> {
  constructor(url: string, cause: unknown) {
    super(
      "service-unreachable",
      `Cannot reach the events service at ${url}: is it running?`,
      { cause },
    );
  }
}

/** What a request is made of. */
export interface ClientRequest {
  readonly query?: Readonly<
    Record<string, string | readonly string[] | undefined>
  >;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Asks a running events service. */
export interface EventsClient {
  /**
   * @throws {OperationalError} With the problem's code and words if the service
   *   refuses, `service-unreachable` if it gives no answer.
   */
  send(
    method: "GET" | "POST" | "DELETE",
    path: string,
    request?: ClientRequest,
  ): Promise<Response>;
  /** The same, with the answer's JSON; undefined for none. */
  json(
    method: "GET" | "POST" | "DELETE",
    path: string,
    request?: ClientRequest,
  ): Promise<unknown>;
}

/**
 * Reads {@link CLIENT_OPTIONS}. A key is never taken from the command line,
 * where every user of the machine can read it.
 *
 * @throws {UsageError} For a URL that is none or a file that cannot be read.
 */
export function createEventsClient(
  options: OptionValues<typeof CLIENT_OPTIONS>,
): EventsClient {
  const url = options.url ?? setVariable("MAINSTAY_EVENTS_URL") ??
    "http://localhost:8000";
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("--url needs a URL that begins with http(s)://");
  }
  const key = options["api-key-file"] === undefined
    ? setVariable("MAINSTAY_API_KEY")
    : readKey(options["api-key-file"]);

  const send: EventsClient["send"] = async (method, path, request = {}) => {
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
      throw new ServiceUnreachable(target.origin, error);
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

function setVariable(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

function readKey(path: string): string {
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
