/**
 * Where codes may be sent.
 *
 * @module
 */

/** An address of the machine itself, with any port, and what follows. */
const LOOPBACK =
  /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?((?:[/?].*)?)$/s;
const MAX_PORT = 65_535;
/** What a browser or the system would run, read or hand on, instead of going there. */
const DANGEROUS = new Set([
  "about:",
  "blob:",
  "data:",
  "file:",
  "filesystem:",
  "ftp:",
  "javascript:",
  "vbscript:",
  "view-source:",
  "ws:",
  "wss:",
]);

/**
 * Whether a client has registered a redirect URI: character by character, since
 * every kinder comparison was once a hole. Only the port of a loopback address
 * is free, which a native app is given when it runs (RFC 8252, 7.3).
 */
export function isRegisteredRedirectUri(
  given: string,
  registered: readonly string[],
): boolean {
  if (registered.includes(given)) return true;
  const loopback = withoutPort(given);
  return loopback !== undefined &&
    registered.some((uri) => withoutPort(uri) === loopback);
}

/**
 * What is wrong with a redirect URI that is to be registered; undefined if
 * nothing is.
 */
export function redirectUriMistake(uri: string): string | undefined {
  if (!URL.canParse(uri)) return "is no absolute URI";
  const { protocol, hash, username, password, hostname } = new URL(uri);
  if (DANGEROUS.has(protocol)) return `has the scheme ${protocol}`;
  if (hash !== "" || uri.includes("#")) return "has a fragment";
  if (username !== "" || password !== "") return "has a user or password";
  if (/[\0-\x20\x7f-\uffff\\*]/.test(uri)) {
    return "has characters that must be percent-encoded, or a wildcard";
  }
  if (protocol === "http:") {
    return withoutPort(uri) !== undefined || hostname === "localhost"
      ? undefined
      : "is not https; only this machine may be without";
  }
  if (protocol === "https:") return undefined;
  // RFC 8252, 7.1: a scheme of one's own is a domain in reverse.
  return protocol.includes(".")
    ? undefined
    : "has a scheme that is no reversed domain name";
}

function withoutPort(uri: string): string | undefined {
  const [, origin, port = "1", rest] = LOOPBACK.exec(uri) ?? [];
  const number = Number(port);
  if (origin === undefined || number < 1 || number > MAX_PORT) return undefined;
  return `${origin}${rest}`;
}
