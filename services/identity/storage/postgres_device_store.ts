import type { Postgres } from "@mainstay/adapters/postgres";
import { boundedTable, type BoundedTableOptions } from "./bounded_table.ts";
import type {
  DeviceAuthorization,
  DevicePoll,
} from "../domain/device_authorization.ts";
import type { DeviceStore } from "../domain/device_store.ts";
import { grantableOf } from "./granted_scopes.ts";
import { TOKEN_COLUMNS, tokenRows, tokenRowsFrom } from "./token_rows.ts";

interface DeviceRow {
  readonly client_id: string;
  readonly scopes: string[];
  readonly resources: string[];
  readonly expires_at: Date;
}

interface PollRow extends DeviceRow {
  readonly early: boolean;
  readonly expired: boolean;
  readonly approved: boolean | null;
  readonly consumed_at: Date | null;
  readonly grant_id: string;
  readonly auth_time: Date;
  readonly acr: string;
  readonly amr: string[];
  /** Of its grant. */
  readonly user_id: string;
  readonly grant_scopes: string[];
  readonly grant_expires_at: Date;
}

/** Keeps device authorizations in the table `device_authorizations`. */
export function postgresDeviceStore(
  postgres: Postgres,
  bounds?: BoundedTableOptions,
): DeviceStore {
  const takePlace = boundedTable(postgres, "device_authorizations", bounds);
  return {
    async create(device, { deviceHash, userCodeHash }) {
      await takePlace();
      const { rowCount } = await postgres.query(
        `INSERT INTO device_authorizations (device_hash, user_code_hash,
           client_id, scopes, resources, interval_s, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (user_code_hash) DO NOTHING`,
        [
          deviceHash,
          userCodeHash,
          device.clientId,
          device.scopes,
          device.resources,
          device.intervalS,
          device.expiresAt,
        ],
      );
      return rowCount === 1;
    },
    async findByUserCode(userCodeHash) {
      const { rows } = await postgres.query<DeviceRow>(
        `SELECT client_id, scopes, resources, expires_at
         FROM device_authorizations
         WHERE user_code_hash = $1 AND decided_at IS NULL
           AND expires_at > now()`,
        [userCodeHash],
      );
      return rows[0] && deviceOf(rows[0]);
    },
    async decide(userCodeHash, decision, grantExpiresAt) {
      if ("refused" in decision) {
        const { rowCount } = await postgres.query(
          `UPDATE device_authorizations
           SET decided_at = now(), approved = false
           WHERE user_code_hash = $1 AND decided_at IS NULL
             AND expires_at > now()`,
          [userCodeHash],
        );
        return rowCount === 1;
      }
      const { approved } = decision;
      // The device's row first: of two approvals at once the second waits here,
      // and makes no grant. The grant does not end with the session: that is of
      // the browser in which the user approved, not of the device. The user
      // before the session, as all do that change both: else one would die.
      const { rowCount } = await postgres.query(
        `WITH device AS (
           SELECT d.device_hash, d.client_id FROM device_authorizations d
             JOIN clients c ON c.id = d.client_id AND c.disabled_at IS NULL
           WHERE user_code_hash = $1 AND decided_at IS NULL
             AND expires_at > now()
           FOR UPDATE OF d FOR SHARE OF c
         ), session AS (
           SELECT ${grantableOf("$4::text[]")} AS scopes
           FROM sessions s JOIN users u ON u.id = s.user_id
           WHERE s.id = $3 AND s.user_id = $2 AND s.ended_at IS NULL
             AND s.expires_at > now() AND u.disabled_at IS NULL
           FOR SHARE OF u, s
         ), given AS (
           INSERT INTO grants (client_id, user_id, scopes, expires_at)
           SELECT device.client_id, $2, session.scopes, $5
           FROM device, session RETURNING id
         )
         UPDATE device_authorizations d
         SET decided_at = now(), approved = true, grant_id = given.id,
           auth_time = $6, acr = $7, amr = $8
         FROM device, given WHERE d.device_hash = device.device_hash`,
        [
          userCodeHash,
          approved.userId,
          approved.sessionId,
          approved.scopes,
          grantExpiresAt,
          approved.authTime,
          approved.acr,
          approved.amr,
        ],
      );
      return rowCount === 1;
    },
    async poll(deviceHash, clientId) {
      const { rows } = await postgres.query<PollRow>(
        `WITH before AS (
           SELECT device_hash, last_polled_at IS NOT NULL AND
               now() < last_polled_at + make_interval(secs => interval_s)
               AS early
           FROM device_authorizations
           WHERE device_hash = $1 AND client_id = $2
           FOR UPDATE
         ), polled AS (
           UPDATE device_authorizations d
           SET last_polled_at = now(),
             interval_s = interval_s + CASE WHEN early THEN 5 ELSE 0 END
           FROM before WHERE d.device_hash = before.device_hash
           RETURNING d.*, early, d.expires_at <= now() AS expired
         )
         SELECT p.*, g.user_id, g.scopes AS grant_scopes,
           g.expires_at AS grant_expires_at
         FROM polled p LEFT JOIN grants g ON g.id = p.grant_id`,
        [deviceHash, clientId],
      );
      return rows[0] === undefined ? { state: "unknown" } : pollOf(rows[0]);
    },
    async redeem(deviceHash, tokens) {
      const { rowCount } = await postgres.query(
        `WITH used AS (
           UPDATE device_authorizations SET consumed_at = now()
           WHERE device_hash = $1 AND approved AND consumed_at IS NULL
             AND expires_at > now()
           RETURNING grant_id
         ), good AS (
           SELECT g.id FROM grants g JOIN used ON g.id = used.grant_id
           WHERE g.revoked_at IS NULL FOR SHARE OF g
         )
         INSERT INTO tokens (${TOKEN_COLUMNS})
         SELECT given.* FROM ${tokenRowsFrom(2)}, good`,
        [deviceHash, tokenRows(tokens)],
      );
      return rowCount === tokens.length;
    },
  };
}

function deviceOf(row: DeviceRow): DeviceAuthorization {
  return {
    clientId: row.client_id,
    scopes: row.scopes,
    resources: row.resources,
    expiresAt: row.expires_at,
  };
}

function pollOf(row: PollRow): DevicePoll {
  if (row.consumed_at !== null) return { state: "consumed" };
  if (row.expired) return { state: "expired" };
  if (row.early) return { state: "too-early" };
  if (row.approved === null) return { state: "pending" };
  if (!row.approved) return { state: "refused" };
  return {
    state: "approved",
    resources: row.resources,
    grant: {
      id: row.grant_id,
      userId: row.user_id,
      scopes: row.grant_scopes,
      expiresAt: row.grant_expires_at,
    },
    authTime: row.auth_time,
    acr: row.acr,
    amr: row.amr,
  };
}
