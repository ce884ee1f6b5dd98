/**
 * What an account may be called.
 *
 * @module
 */
import { InvalidInput, type Mistake } from "@mainstay/kernel/errors";

/** An account as someone describes it. */
export interface UserDescription {
  readonly username: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/** Without @: nobody's username is another's address. */
const USERNAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** One address; whether it exists only a mail can tell. */
const EMAIL = /^[^\s@"<>(),:;\\[\]]{1,64}@[^\s@"<>(),:;\\[\]]{1,190}$/;

/**
 * Brings a description to the form in which it is kept.
 *
 * @throws {InvalidInput} Naming every mistake.
 */
export function checkUser(description: UserDescription): UserDescription {
  const username = description.username.trim().toLowerCase();
  const name = description.name?.trim();
  const email = description.email?.trim().toLowerCase();
  const mistakes: Mistake[] = [];
  if (!USERNAME.test(username)) {
    mistakes.push({
      pointer: "/username",
      detail:
        "must be 1 to 64 of a-z 0-9 . _ -, and begin with a letter or digit",
    });
  }
  // deno-lint-ignore no-control-regex -- controls are what it looks for
  if (name !== undefined && !/^[^\x00-\x1f\x7f]{1,200}$/.test(name)) {
    mistakes.push({
      pointer: "/name",
      detail: "must be 1 to 200 characters on one line",
    });
  }
  if (email !== undefined && !EMAIL.test(email)) {
    mistakes.push({ pointer: "/email", detail: "must be an e-mail address" });
  }
  if (mistakes.length > 0) {
    throw new InvalidInput(
      mistakes,
      "Cannot take the account: it is described wrongly",
    );
  }
  return {
    username,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
  };
}
