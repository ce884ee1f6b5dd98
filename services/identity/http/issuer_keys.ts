import { OperationalError } from "@mainstay/kernel/errors";
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";

/** The issuer's public keys cannot be had, so no token can be checked. */
export class IssuerUnavailable
  extends OperationalError<"identity-unavailable"> {
  constructor(cause: unknown) {
    super(
      "identity-unavailable",
      "Cannot check the token: the authorization server's keys are unavailable",
      { cause, retryable: true, retryAfterMs: 2_000 },
    );
  }
}

/** Where the keys are, and how long they are used. */
export interface IssuerKeysOptions {
  readonly url: string | URL;
  readonly lifetimeMs: number;
  /** Milliseconds that never fall. */
  readonly elapsed: () => number;
}

/** Finds the key that a token names, as `jwtVerify` asks for it. */
export type FindIssuerKey = (
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
) => Promise<CryptoKey>;

/** Tokens with forged key ids make the keys be fetched no more often than this. */
const COOLDOWN_MS = 5_000;
const TIMEOUT_MS = 3_000;
/** Longer than any set of keys is. */
const MAX_CHARACTERS = 262_144;

/**
 * Fetches an issuer's public keys when the first is needed, again when they are
 * old, and again for a key id that is not among them.
 *
 * Old keys go on being used while new ones cannot be fetched: whether a token
 * is good is asked of the database in any case.
 */
export function createIssuerKeys(
  { url, lifetimeMs, elapsed }: IssuerKeysOptions,
): FindIssuerKey {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedMs = -Infinity;
  let triedMs = -Infinity;
  let underWay: Promise<void> | undefined;

  async function load(): Promise<void> {
    triedMs = elapsed();
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok || text.length > MAX_CHARACTERS) {
      throw new Error(
        `${url} answered ${response.status} with ${text.length} characters`,
      );
    }
    keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    fetchedMs = elapsed();
  }

  /** One at a time, and not at once after another. */
  function refresh(): Promise<void> {
    return underWay ??= load().finally(() => underWay = undefined);
  }

  const mayTry = () => elapsed() - triedMs >= COOLDOWN_MS;

  return async (header, token) => {
    if (keys === undefined) {
      await refresh().catch((cause) => {
        throw new IssuerUnavailable(cause);
      });
    } else if (elapsed() - fetchedMs > lifetimeMs && mayTry()) {
      await refresh().catch(() => {});
    }
    try {
      return await keys!(header, token);
    } catch (failure) {
      if (!(failure instanceof errors.JWKSNoMatchingKey) || !mayTry()) {
        throw failure;
      }
      await refresh().catch(() => {});
      return await keys!(header, token);
    }
  };
}
