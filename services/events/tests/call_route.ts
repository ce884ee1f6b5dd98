import { captureLogger } from "@mainstay/adapters/testing";
import type { RequestContext, Route } from "@mainstay/kernel/lifecycle";

/** Who asks, where a test cares. */
export interface CallOptions extends RequestInit {
  readonly peerAddress?: string;
  readonly clientAddress?: string;
  readonly signal?: AbortSignal;
  readonly draining?: AbortSignal;
}

/** Calls the route that a request is for, as the adapter would, without a server. */
export async function callRoute(
  routes: readonly Route[],
  target: `${Route["method"]} ${string}`,
  options: CallOptions = {},
): Promise<Response> {
  const [method = "", path = ""] = target.split(" ");
  const { peerAddress = "127.0.0.1", signal, draining, ...init } = options;
  const url = new URL(path, "http://localhost:8000");
  const request = new Request(url, { ...init, method });
  const [route, params] = find(routes, method, url.pathname);
  const never = new AbortController().signal;
  const context: RequestContext = {
    params,
    url,
    correlationId: "test-1",
    peerAddress,
    clientAddress: options.clientAddress ?? peerAddress,
    log: captureLogger(),
    signal: signal ?? never,
    draining: draining ?? never,
    body: async () => new Uint8Array(await request.arrayBuffer()),
  };
  return await route.handle(request, context);
}

function find(
  routes: readonly Route[],
  method: string,
  path: string,
): [Route, Record<string, string>] {
  const literalFirst = routes.toSorted((a, b) =>
    Number(a.path.includes(":")) - Number(b.path.includes(":"))
  );
  for (const route of literalFirst) {
    const pattern = route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)");
    const match = new RegExp(`^${pattern}$`).exec(path);
    if (route.method === method && match !== null) {
      return [route, { ...match.groups }];
    }
  }
  throw new Error(`No route for ${method} ${path}`);
}
