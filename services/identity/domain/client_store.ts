import type { Client, ClientSecret, RegisteredClient } from "./client.ts";

/** What a new client is made of. */
export type NewClient = Omit<Client, "createdAt" | "disabledAt">;

/** Keeps the clients. */
export interface ClientStore {
  /**
   * A client with its secrets that have not expired, disabled or not; as it was
   * a second ago at most, and `fresh` as it is now.
   */
  find(
    id: string,
    options?: { readonly fresh?: boolean },
  ): Promise<RegisteredClient | undefined>;
  /** A client as it is now; nobody else changes it until the transaction is over. */
  hold(id: string): Promise<Client | undefined>;
  /** In the order of their ids, from the one after `after`. */
  list(page: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<readonly Client[]>;
  /** @throws {ClientExists} If the id is taken. */
  create(client: NewClient, secret?: ClientSecret): Promise<Client>;
  /** Sets all of a client but its id. @returns Whether there is such a client. */
  update(client: NewClient): Promise<boolean>;
  /**
   * Disabling revokes every grant and token of the client; others learn of it
   * within a second.
   *
   * @returns Whether there is such a client.
   */
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
  /**
   * Adds a secret. The one before expires at `previousExpireAt`, those before
   * that at once.
   *
   * @returns Whether there is such a client.
   */
  rotateSecret(
    id: string,
    secret: ClientSecret,
    previousExpireAt: Date,
  ): Promise<boolean>;
}
