import type { Postgres } from "@mainstay/adapters/postgres";
import { boundedTable, type BoundedTableOptions } from "./bounded_table.ts";
import type { AuthorizationParameters } from "../domain/authorization_request.ts";
import type { PushedRequestStore } from "../domain/pushed_request_store.ts";

/** Keeps pushed requests in the table `pushed_requests`. */
export function postgresPushedRequestStore(
  postgres: Postgres,
  bounds?: BoundedTableOptions,
): PushedRequestStore {
  const takePlace = boundedTable(postgres, "pushed_requests", bounds);
  return {
    async push({ hash, clientId, parameters, expiresAt }) {
      await takePlace();
      await postgres.query({
        name: "push-request",
        text: `INSERT INTO pushed_requests
            (request_hash, client_id, parameters, expires_at)
          VALUES ($1, $2, $3, $4)`,
        values: [hash, clientId, parameters, expiresAt],
      });
    },
    async consume(hash, clientId) {
      const { rows } = await postgres.query<
        { readonly parameters: AuthorizationParameters }
      >({
        name: "consume-pushed-request",
        text: `UPDATE pushed_requests SET consumed_at = now()
          WHERE request_hash = $1 AND client_id = $2 AND consumed_at IS NULL
            AND expires_at > now()
          RETURNING parameters`,
        values: [hash, clientId],
      });
      return rows[0]?.parameters;
    },
  };
}
