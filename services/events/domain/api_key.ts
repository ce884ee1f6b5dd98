/** What a caller may be allowed to do. */
export const SCOPES = [
  "events:publish",
  "events:read",
  "events:admin",
] as const;

/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** Whether `text` is a scope of this service. */
export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** A key that opens the service, known only by its hash. */
export interface ApiKey {
  /** Who holds it: for the log, never secret. */
  readonly name: string;
  /** The key's SHA-256 as 64 lower-case hex digits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

const SCOPE_PREFIX = "events:";
/** What an entry without scopes allows: everything but administration. */
const DEFAULT_SCOPES: readonly Scope[] = ["events:publish", "events:read"];
const ENTRY = /^([A-Za-z0-9._-]{1,100})=([0-9a-fA-F]{64})(?::([a-z+]+))?$/;

/**
 * Reads an entry of `API_KEYS`: `name=<SHA-256 of the key, in hex>`, with
 * scopes other than publish and read after a colon: `ops=<hex>:read+admin`.
 *
 * A plain hash is enough because keys are made of 256 random bits: there is
 * nothing to guess (`mainstay events api-key create` makes one).
 *
 * @throws {RangeError} Without quoting the entry.
 */
export function parseApiKey(entry: string): ApiKey {
  const [, name, sha256, scopeText] = ENTRY.exec(entry) ?? [];
  if (name === undefined || sha256 === undefined) {
    throw new RangeError("is not name=<SHA-256 in hex>[:publish+read+admin]");
  }
  const scopes = scopeText === undefined
    ? DEFAULT_SCOPES
    : scopeText.split("+").map((scope) => `${SCOPE_PREFIX}${scope}`);
  if (!scopes.every(isScope)) {
    throw new RangeError("has scopes other than publish, read and admin");
  }
  return {
    name,
    sha256: sha256.toLowerCase(),
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
  };
}

/** The entry that {@link parseApiKey} reads back to the same key. */
export function formatApiKey({ name, sha256, scopes }: ApiKey): string {
  const short = scopes.map((scope) => scope.slice(SCOPE_PREFIX.length));
  return `${name}=${sha256}:${short.join("+")}`;
}
