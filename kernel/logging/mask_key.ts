/** What stands in a line where a secret stood. */
export const MASK = "***";

/** A word that makes what it names a secret. */
const SECRET_WORDS = new Set([
  ...["password", "passwords", "passwd", "passphrase", "pwd", "pw", "pass"],
  ...["secret", "secrets", "token", "tokens", "jwt", "otp", "bearer"],
  ...["authorization", "authentication", "cookie", "cookies"],
  ...["session", "sessions", "sid", "csrf", "xsrf", "signature"],
  ...["key", "keys", "credential", "credentials", "creds"],
  ...["cvv", "cvc", "ssn", "pin", "iban"],
]);

/** The same where words are written without a border between them. */
const SECRET_PARTS =
  /passw(?:or)?d|passphrase|secret(?!ar)|credential|authorization|api_?key|(?:access|private|signing|encryption|secret)key|(?:access|refresh|auth|id|csrf|api)token|sessionid/;

/** A last word that says the value is about the secret and is not it. */
const DESCRIBING_WORDS = new Set([
  ...["total", "count", "length", "size", "bytes", "limit", "max", "min"],
  ...["type", "name", "kind", "algorithm", "alg", "version", "scope", "scopes"],
  ...["ttl", "age", "ms", "seconds", "expiry", "expires", "at", "in"],
  ...["file", "path", "endpoint", "method", "status", "state"],
]);

const MAX_KNOWN = 2000;
const known = new Map<string, boolean>();

/**
 * Whether a value under this name is a secret.
 *
 * Judged by whole words of camel, snake, kebab and dotted case, so `apiKey`,
 * `REDIS_PW` and `x-api-key` are secrets, `keyboard`, `monkey` and
 * `tokens_total` are not.
 */
export function isSecretKey(key: string): boolean {
  const before = known.get(key);
  if (before !== undefined) return before;
  const secret = judge(key);
  if (known.size >= MAX_KNOWN) known.clear();
  if (key.length <= 128) known.set(key, secret);
  return secret;
}

function judge(key: string): boolean {
  const words = key.slice(0, 256)
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== "");
  const last = words.at(-1);
  if (last === undefined) return false;
  if (words.length > 1 && DESCRIBING_WORDS.has(last)) return false;
  return words.some((word) =>
    SECRET_WORDS.has(word) || SECRET_PARTS.test(word)
  );
}
