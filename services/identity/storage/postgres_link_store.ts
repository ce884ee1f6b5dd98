import type { Postgres } from "@mainstay/adapters/postgres";
import type { LinkPurpose, LinkStore, MailLink } from "../domain/link_store.ts";

interface LinkRow {
  readonly purpose: LinkPurpose;
  readonly user_id: string;
  readonly email: string;
  readonly expires_at: Date;
}

const LIVE = "purpose = $1 AND consumed_at IS NULL AND expires_at > now()";

/** Keeps links in the table `mail_links`, by their SHA-256. */
export function postgresLinkStore(postgres: Postgres): LinkStore {
  return {
    async add({ purpose, userId, email, expiresAt }, hash) {
      await postgres.query(
        `INSERT INTO mail_links (link_hash, user_id, purpose, email, expires_at)
         VALUES ($1, $2, $3, $4, $5)`,
        [hash, userId, purpose, email, expiresAt],
      );
    },
    async find(purpose, hash) {
      const { rows } = await postgres.query<LinkRow>(
        `SELECT * FROM mail_links WHERE link_hash = $2 AND ${LIVE}`,
        [purpose, hash],
      );
      return rows[0] && linkOf(rows[0]);
    },
    use: (purpose, hash) =>
      postgres.transaction(async (transaction) => {
        const { rows } = await transaction.query<LinkRow>(
          `UPDATE mail_links SET consumed_at = now()
           WHERE link_hash = $2 AND ${LIVE} RETURNING *`,
          [purpose, hash],
        );
        const [row] = rows;
        if (row === undefined) return undefined;
        await transaction.query(
          `UPDATE mail_links SET consumed_at = now()
           WHERE user_id = $2 AND ${LIVE}`,
          [purpose, row.user_id],
        );
        return linkOf(row);
      }),
  };
}

function linkOf(row: LinkRow): MailLink {
  return {
    purpose: row.purpose,
    userId: row.user_id,
    email: row.email,
    expiresAt: row.expires_at,
  };
}
