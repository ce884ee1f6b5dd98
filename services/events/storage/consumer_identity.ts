import type { Part } from "@mainstay/kernel/lifecycle";
import type { Logger } from "@mainstay/kernel/logging";
import { request } from "node:http";
import { hostname } from "node:os";

/** What a {@link ConsumerIdentity} may be made of. */
export interface ConsumerIdentityOptions {
  readonly serviceName: string;
  readonly log: Logger;
  /** Default `/var/run/docker.sock`. */
  readonly dockerSocket?: string;
  readonly timeoutMs?: number;
}

/** The name under which this process consumes. */
export interface ConsumerIdentity {
  /** Settled once {@link ConsumerIdentity.part} has started. */
  name(): string;
  readonly part: Part;
}

const DOCKER_SOCKET = "/var/run/docker.sock";
const TIMEOUT_MS = 5_000;

/**
 * Names this process' consumer after its container, else its host, else the
 * service. A suffix makes it unique: two processes of one name would take each
 * other's entries for their own.
 *
 * The container's name comes from the Docker socket, where there is one that
 * this process may use; no failure of it does more than leave the host's name.
 */
export function consumerIdentity(
  options: ConsumerIdentityOptions,
): ConsumerIdentity {
  const { serviceName, log, dockerSocket = DOCKER_SOCKET } = options;
  const suffix = `${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const host = hostName();
  let base = host ?? serviceName;
  return {
    name: () => `${base}-${suffix}`,
    part: {
      name: "consumer-identity",
      async start(signal) {
        if (host === undefined || !mayAsk(dockerSocket)) return;
        const path = `/containers/${encodeURIComponent(host)}/json`;
        try {
          const answer = await getJson(dockerSocket, path, {
            timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
            signal,
          });
          const { Name } = answer as { readonly Name?: unknown };
          const name = /^\/?([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(
            typeof Name === "string" ? Name : "",
          )?.[1];
          if (name) base = name;
        } catch (error) {
          log.debug("Cannot ask Docker for this container's name", { error });
        }
      },
    },
  };
}

function hostName(): string | undefined {
  try {
    return hostname() || undefined;
  } catch {
    return undefined;
  }
}

/** Asked beforehand: the client throws a missing permission where nobody can catch it. */
function mayAsk(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true &&
      ([{ name: "write", path }, { name: "net" }] as const).every((needed) =>
        Deno.permissions.querySync(needed).state === "granted"
      );
  } catch {
    return false;
  }
}

const MAX_ANSWER_BYTES = 1_000_000;

function getJson(
  socketPath: string,
  path: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const call = request({ socketPath, path, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
      if (text.length > MAX_ANSWER_BYTES) cut(new Error("Too long an answer"));
    });
    response.on("error", reject);
    response.on("end", () => {
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
  });
  const cut = (reason: Error) => {
    call.destroy(reason);
    reject(reason);
  };
  const timer = setTimeout(
    () => cut(new Error("No answer in time")),
    options.timeoutMs,
  );
  const onAbort = () => cut(new Error("Stopped"));
  options.signal.addEventListener("abort", onAbort, { once: true });
  call.on("error", reject);
  call.end();
  return promise.finally(() => {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  });
}
