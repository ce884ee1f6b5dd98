/**
 * Cookies that hold secrets: out of reach of scripts, other sites and, over
 * TLS, of neighbours under the same domain.
 *
 * @module
 */

/** One cookie of a service, as it is written and read. */
export interface Cookie {
  /** As browsers know it: `__Host-` and the name, over TLS. */
  readonly name: string;
  /**
   * The value that a request carries. Undefined where there is none, and where
   * the name came twice: then one of them is not ours, and nothing tells which.
   */
  read(request: { readonly headers: Headers }): string | undefined;
  /** The `Set-Cookie` value that gives a browser `value`. */
  write(value: string): string;
  /** The `Set-Cookie` value that takes the cookie from a browser. */
  clear(): string;
}

/** What a cookie is allowed. */
export interface CookieOptions {
  /** Served over TLS. Then the cookie never travels without it, and no other host can set it. */
  readonly secure: boolean;
  /**
   * Default `Lax`: sent when a link or a redirect of another site leads here,
   * and with nothing else that another site does.
   */
  readonly sameSite?: "Lax" | "Strict";
  /** How long the browser keeps it. Default: until it is closed. */
  readonly maxAgeMs?: number;
}

/** A token of RFC 9110; the name of a cookie. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** The octets of a cookie's value (RFC 6265, 4.1.1). */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/**
 * Defines a cookie of the whole host, `HttpOnly` and `SameSite`. Cookies do not
 * know ports: services of one host need names of their own.
 *
 * @throws {TypeError} If the name is none, or brings a prefix of its own.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { createCookie } from "@mainstay/adapters/http";
 *
 * const session = createCookie("session", { secure: true });
 * assertEquals(
 *   session.write("4f2a"),
 *   "__Host-session=4f2a; Path=/; HttpOnly; SameSite=Lax; Secure",
 * );
 *
 * const headers = new Headers({ cookie: "a=b; __Host-session=4f2a" });
 * assertEquals(session.read({ headers }), "4f2a");
 * ```
 */
export function createCookie(name: string, options: CookieOptions): Cookie {
  if (!NAME.test(name) || name.startsWith("__")) {
    throw new TypeError(`Cannot define a cookie: "${name}" is no name`);
  }
  const { secure, sameSite = "Lax", maxAgeMs } = options;
  const fullName = secure ? `__Host-${name}` : name;
  const attributes = `; Path=/; HttpOnly; SameSite=${sameSite}${
    secure ? "; Secure" : ""
  }`;
  const lifetime = maxAgeMs === undefined
    ? ""
    : `; Max-Age=${Math.floor(maxAgeMs / 1000)}`;
  return {
    name: fullName,
    read: ({ headers }) => valueOf(headers.get("cookie"), fullName),
    write(value) {
      if (!VALUE.test(value)) {
        throw new TypeError("Cannot set a cookie: its value has other octets");
      }
      return `${fullName}=${value}${lifetime}${attributes}`;
    },
    clear: () => `${fullName}=; Max-Age=0${attributes}`,
  };
}

/** Fetch joins repeated `Cookie` headers with a comma; HTTP/2 sends several. */
function valueOf(header: string | null, name: string): string | undefined {
  if (header === null) return undefined;
  let found: string | undefined;
  for (const pair of header.split(/; ?|, /)) {
    const at = pair.indexOf("=");
    if (at === -1 || pair.slice(0, at) !== name) continue;
    if (found !== undefined) return undefined;
    found = pair.slice(at + 1);
  }
  return found !== undefined && VALUE.test(found) ? found : undefined;
}
