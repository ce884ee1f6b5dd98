import { addressKey, takeAttempt } from "./attempt_guard.ts";
import type { AttemptStore } from "./attempt_store.ts";
import type { PasswordHasher } from "./password_hasher.ts";
import { normalizePassword } from "./password_rules.ts";
import type { User } from "./user.ts";
import type { UserStore } from "./user_store.ts";

/** One attempt to sign in with a password. */
export interface PasswordAttempt {
  readonly login: string;
  readonly password: string;
  readonly address: string;
  /** The mark of a browser that has signed in to the account before. */
  deviceOf(userId: string): string | undefined;
}

/** Checks passwords; see {@link createPasswordSignIn}. */
export type PasswordSignIn = (
  attempt: PasswordAttempt,
) => Promise<{ readonly user?: User; readonly reason?: string }>;

/**
 * Creates the check of a username and a password.
 *
 * An unknown user, a wrong password and a disabled account take the same time
 * and steps; `reason`, for the audit log alone, tells them apart. Failures are
 * counted per account and per address. A browser that has signed in to the
 * account before has a count of its own, so that whoever guesses from elsewhere
 * keeps guessers waiting, and not the owner.
 *
 * Its function throws `TooManyAttempts` where the wait is not over.
 */
export function createPasswordSignIn(
  { users, attempts, hasher }: {
    readonly users: UserStore;
    readonly attempts: AttemptStore;
    readonly hasher: PasswordHasher;
  },
): PasswordSignIn {
  return async ({ login, password, address, deviceOf }) => {
    const user = await users.findByLogin(login);
    const device = user && deviceOf(user.id);
    const attempt = await takeAttempt(
      attempts,
      user !== undefined && device !== undefined
        ? [{ kind: "device", of: `${user.id} ${device}` }]
        : [
          { kind: "address", of: addressKey(address) },
          // By what was typed: a count that username and address shared would
          // tell that they belong together.
          { kind: "account", of: login.toLowerCase() },
        ],
    );
    const right = await hasher.verify(
      normalizePassword(password),
      user?.passwordHash,
    );
    if (user === undefined) return { reason: "unknown user" };
    if (!right) return { reason: "wrong password" };
    if (user.disabledAt !== undefined) return { reason: "disabled account" };
    await attempt.succeeded();
    return { user };
  };
}
