import type { Postgres } from "@mainstay/adapters/postgres";
import type { User, UserSummary } from "../domain/user.ts";
import { UserExists } from "../domain/user_exists.ts";
import type { UserStore } from "../domain/user_store.ts";
import { endAllSessions } from "./end_sessions.ts";
import { revokeGrants } from "./revoke_grants.ts";
import { present } from "./row.ts";
import { uuidOrNull } from "./uuid.ts";

/** A row of `users`. */
export interface UserRow {
  readonly id: string;
  readonly username: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly email_verified_at: Date | null;
  readonly password_hash: string | null;
  readonly password_changed_at: Date | null;
  readonly administrator: boolean;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

type SummaryRow = Pick<
  UserRow,
  "id" | "username" | "email" | "administrator" | "created_at" | "disabled_at"
>;

/** Keeps accounts in the table `users`. */
export function postgresUserStore(postgres: Postgres): UserStore {
  return {
    async find(id) {
      const { rows } = await postgres.query<UserRow>({
        name: "find-user",
        text: "SELECT * FROM users WHERE id = $1",
        values: [uuidOrNull(id)],
      });
      return rows[0] && userOf(rows[0]);
    },
    async hold(id) {
      const { rows } = await postgres.query<UserRow>({
        name: "hold-user",
        // As an update locks: of two that hold the user and then change it,
        // one waits for the other, and neither dies.
        text: "SELECT * FROM users WHERE id = $1 FOR NO KEY UPDATE",
        values: [uuidOrNull(id)],
      });
      return rows[0] && userOf(rows[0]);
    },
    async findByLogin(login) {
      const { rows } = await postgres.query<UserRow>({
        name: "find-user-by-login",
        text: `SELECT * FROM users WHERE username = lower($1)
          OR (email = lower($1) AND email_verified_at IS NOT NULL)
          ORDER BY username = lower($1) DESC LIMIT 1`,
        values: [login],
      });
      return rows[0] && userOf(rows[0]);
    },
    async list({ limit, after = "" }) {
      const { rows } = await postgres.query<UserRow>(
        "SELECT * FROM users WHERE username > $1 ORDER BY username LIMIT $2",
        [after, limit],
      );
      return rows.map(userOf);
    },
    async listSummaries({ limit, after = "" }) {
      const { rows } = await postgres.query<SummaryRow>(
        `SELECT id, username, email, administrator, created_at, disabled_at
         FROM users WHERE username > $1 ORDER BY username LIMIT $2`,
        [after, limit],
      );
      return rows.map(summaryOf);
    },
    async create(user) {
      // Only who makes an administrator needs the right to name the column.
      const [column, value] = user.administrator
        ? [", administrator", ", true"]
        : ["", ""];
      const { rows } = await unlessTaken(() =>
        postgres.query<UserRow>(
          `INSERT INTO users (username, name, email, email_verified_at,
             password_hash, password_changed_at${column})
           VALUES (lower($1), $2, lower($3), CASE WHEN $4 THEN now() END, $5::text,
             CASE WHEN $5::text IS NOT NULL THEN now() END${value}) RETURNING *`,
          [
            user.username,
            user.name ?? null,
            user.email ?? null,
            user.emailVerified ?? false,
            user.passwordHash ?? null,
          ],
        )
      );
      return userOf(rows[0]!);
    },
    async setPassword(id, passwordHash, { exceptSession } = {}) {
      await postgres.transaction(async (transaction) => {
        await transaction.query(
          `UPDATE users SET password_hash = $2, password_changed_at = now(),
             updated_at = now() WHERE id = $1`,
          [id, passwordHash],
        );
        // Whoever still has a link for the password that is gone has none.
        await transaction.query(
          `UPDATE mail_links SET consumed_at = now()
           WHERE user_id = $1 AND purpose = 'reset-password'
             AND consumed_at IS NULL`,
          [id],
        );
        await endAllSessions(transaction, id, exceptSession);
      });
    },
    async setVerifiedEmail(id, email) {
      await unlessTaken(() =>
        postgres.query(
          `UPDATE users SET email = lower($2), email_verified_at = now(),
             updated_at = now() WHERE id = $1`,
          [id, email],
        )
      );
    },
    async setName(id, name) {
      await postgres.query(
        "UPDATE users SET name = $2, updated_at = now() WHERE id = $1",
        [id, name ?? null],
      );
    },
    setAdministrator: (id, administrator) =>
      postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          `UPDATE users SET administrator = $2, updated_at = now()
           WHERE id = $1`,
          [uuidOrNull(id), administrator],
        );
        if (rowCount === 1 && !administrator) {
          await revokeGrants(transaction, { userId: id, scope: "admin" });
        }
        return rowCount === 1;
      }),
    setDisabled: (id, disabled) =>
      postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          `UPDATE users SET updated_at = now(), disabled_at =
             CASE WHEN $2 THEN coalesce(disabled_at, now()) END
           WHERE id = $1`,
          [uuidOrNull(id), disabled],
        );
        if (rowCount === 1 && disabled) await endAllSessions(transaction, id);
        return rowCount === 1;
      }),
  };
}

/** @throws {UserExists} For a value that another account has. */
async function unlessTaken<Result>(
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write();
  } catch (failure) {
    const { code, constraint } = failure as Record<string, unknown>;
    if (code !== "23505") throw failure;
    throw new UserExists(
      constraint === "users_email_key" ? "email" : "username",
    );
  }
}

/** The user that a row holds. */
export function userOf(row: UserRow): User {
  return {
    ...summaryOf(row),
    updatedAt: row.updated_at,
    ...present({
      name: row.name,
      emailVerifiedAt: row.email_verified_at,
      passwordHash: row.password_hash,
      passwordChangedAt: row.password_changed_at,
    }),
  };
}

function summaryOf(row: SummaryRow): UserSummary {
  return {
    id: row.id,
    username: row.username,
    administrator: row.administrator,
    createdAt: row.created_at,
    ...present({ email: row.email, disabledAt: row.disabled_at }),
  };
}
