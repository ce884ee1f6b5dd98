import type { AuditEntry } from "./audit_log.ts";
import type { IdentityStorage } from "./identity_storage.ts";
import { checkPassword, normalizePassword } from "./password_rules.ts";
import type { User } from "./user.ts";
import { checkUser, type UserDescription } from "./user_rules.ts";

/** An account that an operator makes. */
export interface NewAccount extends UserDescription {
  /** None: it cannot sign in until it has one. */
  readonly password?: string | undefined;
  readonly administrator?: boolean | undefined;
}

/** What changes of an account: what is not named stays. */
export interface UserChange {
  readonly password?: string | undefined;
  readonly administrator?: boolean | undefined;
  readonly disabled?: boolean | undefined;
}

/** What operators do with accounts; each change is in the audit log, with it or not at all. */
export interface UserAdministration {
  /**
   * @throws {InvalidInput} Naming every mistake.
   * @throws {WeakPassword}
   * @throws {UserExists}
   */
  create(account: NewAccount, actor: string): Promise<User>;
  /**
   * Changes an account. A new password, or being disabled, ends all its sessions
   * and revokes all that came of them; being an administrator no more revokes
   * what it has as one.
   *
   * @returns Undefined if there is no such account.
   * @throws {WeakPassword}
   */
  update(
    id: string,
    change: UserChange,
    actor: string,
  ): Promise<User | undefined>;
  /** Ends a session. @returns Whether it went on until now. */
  endSession(sessionId: string, actor: string): Promise<boolean>;
  /** Ends every session of an account, and all that it gave to anyone. @returns How many. */
  endSessions(userId: string, actor: string): Promise<number>;
  /** Ends every session of everyone, and all that users gave to anyone. @returns How many. */
  endEverySession(actor: string): Promise<number>;
}

/** Creates the administration of accounts. */
export function createUserAdministration(
  { storage, hashPassword }: {
    readonly storage: IdentityStorage;
    readonly hashPassword: (password: string) => Promise<string>;
  },
): UserAdministration {
  const hashOf = (password: string, user: UserDescription) => {
    checkPassword(password, [user.username, user.name, user.email]);
    return hashPassword(normalizePassword(password));
  };
  return {
    async create({ password, administrator = false, ...description }, actor) {
      const given = checkUser(description);
      const passwordHash = password === undefined
        ? undefined
        : await hashOf(password, given);
      return await storage.atomically(async ({ users, audit }) => {
        const { username, name, email } = given;
        const user = await users.create({
          username,
          administrator,
          ...(name === undefined ? {} : { name }),
          // Whoever makes the account vouches for the address.
          ...(email === undefined ? {} : { email, emailVerified: true }),
          ...(passwordHash === undefined ? {} : { passwordHash }),
        });
        await audit.append({
          action: "user.created",
          actor,
          subject: `user:${user.id}`,
          details: { username, administrator },
        });
        return user;
      });
    },
    async update(id, { password, administrator, disabled }, actor) {
      const user = await storage.users.find(id);
      if (user === undefined) return undefined;
      const passwordHash = password === undefined
        ? undefined
        : await hashOf(password, user);
      return await storage.atomically(async ({ users, audit }) => {
        const actions: string[] = [];
        if (passwordHash !== undefined) {
          await users.setPassword(id, passwordHash);
          actions.push("user.password_set");
        }
        if (administrator !== undefined) {
          await users.setAdministrator(id, administrator);
          actions.push(
            administrator
              ? "user.administrator_added"
              : "user.administrator_removed",
          );
        }
        if (disabled !== undefined) {
          await users.setDisabled(id, disabled);
          actions.push(disabled ? "user.disabled" : "user.enabled");
        }
        const after = await users.find(id);
        for (const action of actions) {
          await audit.append(entryOf(action, id, actor));
        }
        return after;
      });
    },
    async endSession(sessionId, actor) {
      return await storage.atomically(async ({ sessions, audit }) => {
        const session = await sessions.get(sessionId);
        if (session === undefined) return false;
        const ended = await sessions.end(session.userId, sessionId);
        if (ended) {
          await audit.append({
            ...entryOf("session.ended", session.userId, actor),
            details: { sessionId },
          });
        }
        return ended;
      });
    },
    async endSessions(userId, actor) {
      return await storage.atomically(async ({ sessions, audit }) => {
        const count = await sessions.endAll(userId);
        await audit.append({
          ...entryOf("session.ended_all", userId, actor),
          details: { count },
        });
        return count;
      });
    },
    async endEverySession(actor) {
      return await storage.atomically(async ({ sessions, audit }) => {
        const count = await sessions.endEvery();
        await audit.append({
          action: "session.ended_every",
          actor,
          details: { count },
        });
        return count;
      });
    },
  };
}

function entryOf(action: string, userId: string, actor: string): AuditEntry {
  return { action, actor, subject: `user:${userId}` };
}
