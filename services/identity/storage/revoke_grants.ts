import type { Queryable } from "@mainstay/adapters/postgres";
import type { GrantSelection } from "../domain/grant.ts";

/** Where the resource servers listen for what is revoked. */
export const REVOKED_CHANNEL = "identity_revoked";

/**
 * Revokes grants and their tokens, and says so on {@link REVOKED_CHANNEL}.
 *
 * First the grants: who adds tokens to one holds its row, so that by the second
 * statement they are seen, or are not added. That is why this needs a
 * transaction.
 *
 * @returns How many grants had been good.
 */
export async function revokeGrants(
  transaction: Queryable,
  which: GrantSelection,
): Promise<number> {
  const { condition, values } = conditionOf(which);
  const { rows } = await transaction.query<{ readonly id: string }>(
    `UPDATE grants SET revoked_at = now()
     WHERE ${condition} AND revoked_at IS NULL RETURNING id`,
    values,
  );
  if (rows.length === 0) return 0;
  const ids = rows.map(({ id }) => id);
  await transaction.query(
    `WITH dead AS (
       UPDATE tokens SET revoked_at = now()
       WHERE grant_id = ANY ($1) AND revoked_at IS NULL
     )
     SELECT pg_notify('${REVOKED_CHANNEL}', 'g:' || id)
     FROM unnest($1::uuid[]) id`,
    [ids],
  );
  return ids.length;
}

function conditionOf(which: GrantSelection) {
  if ("grantId" in which) {
    return { condition: "id = $1", values: [which.grantId] };
  }
  if ("sessionIds" in which) {
    return { condition: "session_id = ANY ($1)", values: [which.sessionIds] };
  }
  if ("everyone" in which) return { condition: "true", values: [] };
  const { userId, clientId, scope, exceptSessionId } = which;
  const conditions = [["user_id = $", userId]];
  if (clientId !== undefined) conditions.push(["client_id = $", clientId]);
  if (scope !== undefined) conditions.push(["$ = ANY (scopes)", scope]);
  if (exceptSessionId !== undefined) {
    conditions.push(["session_id IS DISTINCT FROM $", exceptSessionId]);
  }
  return {
    condition: conditions
      .map(([text = ""], at) => text.replace("$", () => `$${at + 1}`))
      .join(" AND "),
    values: conditions.map(([, value]) => value),
  };
}
