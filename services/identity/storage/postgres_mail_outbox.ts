import type { Postgres } from "@mainstay/adapters/postgres";
import type { KeptMail, MailOutbox } from "../domain/mail_outbox.ts";
import { present } from "./row.ts";

interface MailRow {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body_encrypted: Uint8Array | null;
  readonly created_at: Date;
  readonly attempts: number;
  readonly sent_at: Date | null;
}

/** Keeps mail in the table `mail_outbox`. */
export function postgresMailOutbox(postgres: Postgres): MailOutbox {
  return {
    async add({ recipient, subject, bodyEncrypted }, expiresAt) {
      await postgres.query(
        `INSERT INTO mail_outbox (recipient, subject, body_encrypted, expires_at)
         VALUES ($1, $2, $3, $4)`,
        [recipient, subject, bodyEncrypted, expiresAt],
      );
    },
    async list({ limit }) {
      const { rows } = await postgres.query<MailRow>(
        "SELECT * FROM mail_outbox ORDER BY id DESC LIMIT $1",
        [limit],
      );
      return rows.map(mailOf);
    },
    async takeDue(limit, busyUntil) {
      const { rows } = await postgres.query<MailRow>(
        `UPDATE mail_outbox SET attempts = attempts + 1, next_attempt_at = $2
         WHERE id IN (
           SELECT id FROM mail_outbox WHERE sent_at IS NULL
             AND next_attempt_at <= now() AND expires_at > now()
           ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING *`,
        [limit, busyUntil],
      );
      return rows.map(mailOf);
    },
    async sent(id) {
      await postgres.query(
        `UPDATE mail_outbox SET sent_at = now(), body_encrypted = NULL
         WHERE id = $1`,
        [id],
      );
    },
    async failed(id, nextAttemptAt) {
      await postgres.query(
        "UPDATE mail_outbox SET next_attempt_at = $2 WHERE id = $1",
        [id, nextAttemptAt],
      );
    },
  };
}

function mailOf(row: MailRow): KeptMail {
  return {
    id: row.id,
    recipient: row.recipient,
    subject: row.subject,
    createdAt: row.created_at,
    attempts: row.attempts,
    ...present({ bodyEncrypted: row.body_encrypted, sentAt: row.sent_at }),
  };
}
