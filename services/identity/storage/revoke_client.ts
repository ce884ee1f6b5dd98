import type { Queryable } from "@mainstay/adapters/postgres";
import { REVOKED_CHANNEL } from "./revoke_grants.ts";

/**
 * Revokes all that a client was ever given, by users or for itself, and says so
 * on {@link REVOKED_CHANNEL}. First the grants, as grants are always revoked.
 */
export async function revokeClient(
  transaction: Queryable,
  clientId: string,
): Promise<void> {
  await transaction.query(
    `UPDATE grants SET revoked_at = now()
     WHERE client_id = $1 AND revoked_at IS NULL`,
    [clientId],
  );
  await transaction.query(
    `WITH dead AS (
       UPDATE tokens SET revoked_at = now()
       WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > now()
     )
     SELECT pg_notify('${REVOKED_CHANNEL}', 'c:' || $1)`,
    [clientId],
  );
}
