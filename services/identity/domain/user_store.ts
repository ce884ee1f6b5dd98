import type { NewUser, User, UserSummary } from "./user.ts";

/** Which users to list. */
export interface UserPage {
  readonly limit: number;
  readonly after?: string;
}

/** Keeps the accounts. */
export interface UserStore {
  find(id: string): Promise<User | undefined>;
  /** As `find()`; nobody else holds or changes the user until the transaction is over. */
  hold(id: string): Promise<User | undefined>;
  /** By username, or by an e-mail address that the account has verified. */
  findByLogin(login: string): Promise<User | undefined>;
  /** In the order of their usernames, from the one after `after`. */
  list(page: UserPage): Promise<readonly User[]>;
  /** As `list()`, for who may not see credentials. */
  listSummaries(page: UserPage): Promise<readonly UserSummary[]>;
  /** @throws {UserExists} */
  create(user: NewUser): Promise<User>;
  /**
   * Sets a password. Every session but `exceptSession` ends with it, and so do
   * the grants that came of them.
   */
  setPassword(
    id: string,
    passwordHash: string,
    options?: { readonly exceptSession?: string },
  ): Promise<void>;
  /** @throws {UserExists} If another account has the address. */
  setVerifiedEmail(id: string, email: string): Promise<void>;
  setName(id: string, name: string | undefined): Promise<void>;
  /**
   * Taking it away revokes what the account was given as an administrator.
   *
   * @returns Whether there is such a user.
   */
  setAdministrator(id: string, administrator: boolean): Promise<boolean>;
  /** Disabling ends every session, and every grant with or without one. @returns Whether there is such a user. */
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
}
