import { OperationalError } from "@mainstay/kernel/errors";
import { readPublishedEnvironment } from "@mainstay/tools/local_stack";
import type { OptionSpecs, OptionValues } from "../command.ts";
import { NotThere } from "../identity/not_there.ts";
import {
  createServiceClient,
  readKey,
  type ServiceClient,
  setVariable,
} from "../service_client.ts";
import { UsageError } from "../usage_error.ts";

/** Options of a command that asks a running MeshHook for the project it names. */
export const SERVER_OPTIONS = {
  url: {
    type: "string",
    value: "<url>",
    description:
      "The server; default MAINSTAY_MESHHOOK_URL or http://localhost:8084",
  },
  "api-key-file": {
    type: "string",
    value: "<file>",
    description:
      "File that holds the project's API key; default MAINSTAY_MESHHOOK_KEY",
  },
} as const satisfies OptionSpecs;

/** Options of every other command that asks a running MeshHook for a project. */
export const CLIENT_OPTIONS = {
  project: {
    type: "string",
    value: "<project>",
    description: "The project; default MAINSTAY_MESHHOOK_PROJECT",
  },
  ...SERVER_OPTIONS,
} as const satisfies OptionSpecs;

/** Options of a command that lists page by page. */
export const PAGE_OPTIONS = {
  limit: {
    type: "string",
    value: "<number>",
    description: "How many at most, 1 to 200; default 50",
  },
  before: {
    type: "string",
    value: "<id>",
    description: "Go on after the last one of the page before",
  },
} as const satisfies OptionSpecs;

/** Who asks is not let in. */
class NotAdmitted extends OperationalError<"unauthorized" | "forbidden"> {}

/** Asks a running MeshHook for one project. */
export interface MeshhookClient {
  readonly project: string;
  readonly url: string;
  /** Of the socket that live logs come by. It holds the key: not to be shown. */
  readonly liveUrl: URL;
  /** The answer, for one that is long. Paths are below the project's. */
  send: ServiceClient["send"];
  /**
   * The answer's JSON; undefined for none.
   *
   * @throws {OperationalError} With the problem's code and words if it refuses.
   */
  json: ServiceClient["json"];
  /**
   * The same, for something that may not be there.
   *
   * @param missing What was to be done, and with what: `["show", "run 7"]`.
   * @throws {NotThere}
   */
  find(
    missing: readonly [act: string, what: string],
    ...request: Parameters<ServiceClient["json"]>
  ): Promise<unknown>;
}

/**
 * Reads {@link CLIENT_OPTIONS}. What is not given is the demo's, if a `mainstay
 * up` runs here; its key is for its project and no other.
 *
 * @throws {UsageError} If there is no project or no key, with where to get one.
 */
export async function createMeshhookClient(
  options: OptionValues<typeof CLIENT_OPTIONS>,
): Promise<MeshhookClient> {
  const demo = await readPublishedEnvironment() ?? {};
  const project = options.project ??
    setVariable("MAINSTAY_MESHHOOK_PROJECT") ??
    demo["MAINSTAY_MESHHOOK_PROJECT"];
  if (project === undefined) {
    throw new UsageError(
      '--project or MAINSTAY_MESHHOOK_PROJECT is needed: no "mainstay up" runs here, whose demo it would be',
    );
  }
  const key = options["api-key-file"] === undefined
    ? setVariable("MAINSTAY_MESHHOOK_KEY") ??
      (project === demo["MAINSTAY_MESHHOOK_PROJECT"]
        ? demo["MAINSTAY_MESHHOOK_KEY"]
        : undefined)
    : readKey(options["api-key-file"]);
  if (key === undefined) {
    throw new UsageError(
      `--api-key-file or MAINSTAY_MESHHOOK_KEY is needed: an API key of project ${project}; "mainstay meshhook projects keys create ${project} <name>" makes one`,
    );
  }
  const url = options.url ?? setVariable("MAINSTAY_MESHHOOK_URL") ??
    demo["MAINSTAY_MESHHOOK_URL"] ?? "http://localhost:8084";
  const client = createServiceClient({ name: "MeshHook", url, key });
  const base = `api/v1/projects/${encodeURIComponent(project)}`;
  const send: ServiceClient["send"] = async (method, path, request) => {
    try {
      return await client.send(method, `${base}/${path}`, {
        ...request,
        headers: {
          ...(request?.body === undefined
            ? {}
            : { "content-type": "application/json" }),
          ...request?.headers,
        },
      });
    } catch (failure) {
      throw admission(failure, project) ?? failure;
    }
  };
  const json: ServiceClient["json"] = async (...request) => {
    const text = await (await send(...request)).text();
    return text === "" ? undefined : JSON.parse(text);
  };
  const liveUrl = new URL("realtime/v1/websocket", url.replace(/\/*$/, "/"));
  liveUrl.protocol = liveUrl.protocol.replace("http", "ws");
  liveUrl.searchParams.set("apikey", key);
  liveUrl.searchParams.set("vsn", "2.0.0");
  return {
    project,
    url,
    liveUrl,
    send,
    json,
    async find([act, what], ...request) {
      try {
        return await json(...request);
      } catch (failure) {
        if (
          failure instanceof OperationalError && failure.code === "not-found"
        ) throw new NotThere(act, `${what} in project ${project}`);
        throw failure;
      }
    },
  };
}

/** What to do where the server only refuses. */
function admission(
  failure: unknown,
  project: string,
): NotAdmitted | undefined {
  if (!(failure instanceof OperationalError)) return undefined;
  if (failure.code === "unauthorized") {
    return new NotAdmitted(
      "unauthorized",
      `Cannot authenticate: the API key is unknown, or was revoked; "mainstay meshhook projects keys create ${project} <name>" makes another`,
    );
  }
  if (failure.code === "forbidden") {
    return new NotAdmitted(
      "forbidden",
      `Cannot work in project ${project}: the API key is another project's; name that with --project, or give a key of this one`,
    );
  }
  return undefined;
}

/** A name or an id as one segment of a path. */
export const segment = encodeURIComponent;
