/**
 * Which route answers a request. Hono's routers match patterns; a path without
 * parameters is found by a Map, at a quarter of the cost.
 *
 * @module
 */
import type { Route } from "@mainstay/kernel/lifecycle";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/** A route that matched, with its parameters still encoded. */
export interface RouteMatch<Entry> {
  readonly entry: Entry;
  readonly params: ReadonlyArray<readonly [name: string, value: string]>;
}

/** Finds routes by method and path. */
export interface RouteTable<Entry> {
  find(method: string, path: string): RouteMatch<Entry> | undefined;
  /** The methods that a path knows, `HEAD` and `OPTIONS` included; empty for an unknown path. */
  allowed(path: string): readonly string[];
  /** The pattern of a path, whatever the method. */
  patternOf(path: string): string | undefined;
}

/**
 * Builds the table of some routes. Every `GET` answers `HEAD` too. A literal
 * segment wins over a parameter, in whatever order the routes are given.
 *
 * @param bind Called once per method and route: what `find` gives back.
 * @throws {TypeError} If two routes have the same method and pattern.
 */
export function createRouteTable<Entry>(
  routes: readonly Route[],
  bind: (method: string, route: Route) => Entry,
): RouteTable<Entry> {
  const router = createRouter<Entry>();
  const patterns = createRouter<Route>();
  const literal = new Map<string, Map<string, RouteMatch<Entry>>>();
  const seen = new Set<string>();
  const methods = new Set<string>();
  for (const route of routes.toSorted(bySpecificity)) {
    const own = route.method === "GET" ? ["GET", "HEAD"] : [route.method];
    const shape = `${route.method} ${route.path.replace(/:[^/]+/g, ":")}`;
    if (seen.has(shape)) {
      throw new TypeError(
        `Cannot serve ${route.method} ${route.path}: another route has the same method and pattern`,
      );
    }
    seen.add(shape);
    for (const method of own) {
      methods.add(method);
      const entry = bind(method, route);
      router.add(method, route.path, entry);
      if (/^[\w/.-]+$/.test(route.path)) {
        const paths = literal.get(method) ?? new Map();
        literal.set(method, paths.set(route.path, { entry, params: [] }));
      }
      patterns.add(method, route.path, route);
    }
  }
  const allowed = (path: string) => {
    const known = [...methods].filter((m) => patterns.match(m, path)[0][0]);
    return known.length === 0 ? [] : [...known, "OPTIONS"];
  };
  return {
    find(method, path) {
      const fixed = literal.get(method)?.get(path);
      if (fixed !== undefined) return fixed;
      if (!methods.has(method)) return undefined;
      const [found, stash] = router.match(method, path);
      const first = found[0];
      if (first === undefined) return undefined;
      const [entry, indexes] = first;
      const names = Object.keys(indexes);
      if (names.length === 0) return { entry, params: [] };
      // RegExpRouter names positions in a stash, TrieRouter gives values.
      const params = names.map((name) => {
        const value = indexes[name]!;
        return [name, typeof value === "number" ? stash![value]! : value];
      }) as Array<[string, string]>;
      return { entry, params };
    },
    allowed,
    patternOf(path) {
      for (const method of methods) {
        const route = patterns.match(method, path)[0][0]?.[0];
        if (route !== undefined) return route.path;
      }
      return undefined;
    },
  };
}

function createRouter<Entry>(): SmartRouter<Entry> {
  return new SmartRouter<Entry>({
    routers: [new RegExpRouter<Entry>(), new TrieRouter<Entry>()],
  });
}

/** Literal segments before parameters, from left to right. */
function bySpecificity(a: Route, b: Route): number {
  const [left, right] = [a.path.split("/"), b.path.split("/")];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = Number(left[i]!.startsWith(":")) -
      Number(right[i]!.startsWith(":"));
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
