import type { Queryable } from "@mainstay/adapters/postgres";
import { revokeGrants } from "./revoke_grants.ts";

/** For how long clients are told that a session has ended. */
const TELL_FOR = "1 day";

/**
 * Ends every session of a user but `except`, and revokes all that did not come
 * of that one: what devices have, and apps whose session is long over, included.
 *
 * @returns How many sessions went on until now.
 */
export async function endAllSessions(
  transaction: Queryable,
  userId: string,
  except?: string,
): Promise<number> {
  const ended = await endSessions(
    transaction,
    "user_id = $1 AND id::text IS DISTINCT FROM $2",
    [userId, except ?? null],
  );
  await revokeGrants(
    transaction,
    except === undefined ? { userId } : { userId, exceptSessionId: except },
  );
  return ended;
}

/**
 * Ends every session of everyone, and revokes all that users gave to anyone,
 * what devices have included.
 *
 * @returns How many sessions went on until now.
 */
export async function endEverySession(transaction: Queryable): Promise<number> {
  const ended = await endSessions(transaction, "true", []);
  await revokeGrants(transaction, { everyone: true });
  return ended;
}

/**
 * Ends sessions with all that came of them, in the transaction it is given:
 * their grants and tokens are revoked, and clients that want to hear of it are
 * put on the list of those to be told.
 *
 * @param where Of the table `sessions`; may use `values` as `$1`, `$2`, ….
 * @returns How many went on until now.
 */
export async function endSessions(
  transaction: Queryable,
  where: string,
  values: readonly unknown[],
): Promise<number> {
  const { rows } = await transaction.query<{ id: string }>(
    `UPDATE sessions SET ended_at = now()
     WHERE ended_at IS NULL AND ${where} RETURNING id`,
    values,
  );
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await transaction.query(
    `INSERT INTO logout_deliveries
       (client_id, user_id, session_id, expires_at)
     SELECT DISTINCT g.client_id, g.user_id, g.session_id,
       now() + interval '${TELL_FOR}'
     FROM grants g JOIN clients c ON c.id = g.client_id
     WHERE g.session_id = ANY ($1) AND c.backchannel_logout_uri IS NOT NULL`,
    [ids],
  );
  await revokeGrants(transaction, { sessionIds: ids });
  return ids.length;
}
