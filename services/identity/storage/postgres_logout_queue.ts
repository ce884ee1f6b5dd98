import type { Postgres } from "@mainstay/adapters/postgres";
import type { LogoutDelivery, LogoutQueue } from "../domain/logout_queue.ts";

interface DeliveryRow {
  readonly id: string;
  readonly client_id: string;
  readonly user_id: string;
  readonly session_id: string;
  readonly attempts: number;
}

/** Keeps the queue in the table `logout_deliveries`. */
export function postgresLogoutQueue(postgres: Postgres): LogoutQueue {
  return {
    async takeDue(limit, busyUntil) {
      const { rows } = await postgres.query<DeliveryRow>({
        name: "take-logout-deliveries",
        text: `UPDATE logout_deliveries
          SET attempts = attempts + 1, next_attempt_at = $2
          WHERE id IN (
            SELECT id FROM logout_deliveries WHERE delivered_at IS NULL
              AND next_attempt_at <= now() AND expires_at > now()
            ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
          RETURNING id, client_id, user_id, session_id, attempts`,
        values: [limit, busyUntil],
      });
      return rows.map(deliveryOf);
    },
    async delivered(id) {
      await postgres.query(
        "UPDATE logout_deliveries SET delivered_at = now() WHERE id = $1",
        [id],
      );
    },
    async failed(id, nextAttemptAt) {
      await postgres.query(
        "UPDATE logout_deliveries SET next_attempt_at = $2 WHERE id = $1",
        [id, nextAttemptAt],
      );
    },
  };
}

function deliveryOf(row: DeliveryRow): LogoutDelivery {
  return {
    id: row.id,
    clientId: row.client_id,
    userId: row.user_id,
    sessionId: row.session_id,
    attempts: row.attempts,
  };
}
