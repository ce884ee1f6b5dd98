import type { Session, SignedIn } from "./session.ts";

/** Keeps the sessions of browsers. */
export interface SessionStore {
  create(
    session: Omit<Session, "id" | "createdAt" | "lastSeenAt">,
    hash: Uint8Array,
  ): Promise<Session>;
  /**
   * Notes a new sign-in of the same user in the same browser, under a new
   * cookie: what came of the session goes on.
   *
   * @returns Undefined if the session has ended.
   */
  renew(
    id: string,
    authentication: Pick<Session, "authTime" | "acr" | "amr" | "expiresAt">,
    hash: Uint8Array,
  ): Promise<Session | undefined>;
  /** A session that has neither ended nor expired, of a user who is not disabled. Notes that it was seen. */
  find(hash: Uint8Array): Promise<SignedIn | undefined>;
  /** A session that goes on, by its id. */
  get(id: string): Promise<Session | undefined>;
  /** Those of everyone that go on, the newest first, from the one after `after`. */
  page(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<readonly Session[]>;
  /** Those of a user that go on, the one seen last first. */
  list(userId: string): Promise<readonly Session[]>;
  /**
   * Ends one session of a user: its grants and their tokens are revoked with
   * it, and clients that want to hear of it will be told.
   *
   * @returns Whether it went on until now.
   */
  end(userId: string, sessionId: string): Promise<boolean>;
  /**
   * Ends every session of a user but `except`, and revokes all that did not come
   * of that one: what devices have, and apps whose session is long over, included.
   *
   * @returns How many sessions went on until now.
   */
  endAll(
    userId: string,
    options?: { readonly except?: string },
  ): Promise<number>;
  /**
   * Ends every session of everyone, and revokes all that users gave to anyone:
   * what devices have, and apps whose session is long over, included.
   *
   * @returns How many sessions went on until now.
   */
  endEvery(): Promise<number>;
}
