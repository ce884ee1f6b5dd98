import type { Postgres } from "@mainstay/adapters/postgres";
import { boundedTable, type BoundedTableOptions } from "./bounded_table.ts";
import type {
  AuthorizationRequest,
  Decision,
  Refusal,
} from "../domain/authorization_request.ts";
import type { AuthorizationRequestStore } from "../domain/authorization_request_store.ts";
import { grantableOf } from "./granted_scopes.ts";
import { UNSYNCED } from "./unsynced.ts";

const GRANTABLE_SCOPES = grantableOf("d.scopes");

interface RequestRow {
  readonly client_id: string;
  readonly parameters: AuthorizationRequest["parameters"];
  readonly expires_at: Date;
}

/** Of a decision: all of the second half, or `error`. */
interface DecisionRow {
  readonly error: Refusal | null;
  readonly user_id: string;
  readonly session_id: string;
  readonly auth_time: Date;
  readonly acr: string;
  readonly amr: string[];
  readonly scopes: string[];
  readonly issued: boolean;
}

/**
 * Keeps authorization requests in the table `authorization_requests`. No step of
 * theirs waits for the disk: what a crash takes of them is worth nothing to
 * anyone, and the redemption of the code, which does wait, makes sure of all
 * that came before it. So a request is never good again without the loss of the
 * code that it gave.
 */
export function postgresAuthorizationRequestStore(
  postgres: Postgres,
  bounds?: BoundedTableOptions,
): AuthorizationRequestStore {
  const takePlace = boundedTable(postgres, "authorization_requests", bounds);
  return {
    async create(request, { challengeHash, browserHash }) {
      await takePlace();
      await postgres.query({
        name: "create-authorization-request",
        text: `INSERT INTO authorization_requests
            (challenge_hash, browser_hash, client_id, parameters, expires_at)
          SELECT $1, $2, $3, $4, $5 FROM ${UNSYNCED}`,
        values: [
          challengeHash,
          browserHash,
          request.clientId,
          request.parameters,
          request.expiresAt,
        ],
      });
    },
    async find(challengeHash) {
      const { rows } = await postgres.query<RequestRow>({
        name: "find-authorization-request",
        text: `SELECT client_id, parameters, expires_at
          FROM authorization_requests
          WHERE challenge_hash = $1 AND decided_at IS NULL
            AND expires_at > now()`,
        values: [challengeHash],
      });
      return rows[0] && requestOf(rows[0]);
    },
    async decide({ challengeHash, verifierHash }, decision) {
      const { approved, refused } = {
        approved: undefined,
        refused: undefined,
        ...decision,
      };
      const { rowCount } = await postgres.query({
        name: "decide-authorization-request",
        text: `UPDATE authorization_requests
          SET decided_at = now(), verifier_hash = $2, user_id = $3,
            session_id = $4, auth_time = $5, acr = $6, amr = $7, scopes = $8,
            error = $9
          FROM ${UNSYNCED} WHERE challenge_hash = $1 AND decided_at IS NULL
            AND expires_at > now()`,
        values: [
          challengeHash,
          verifierHash,
          approved?.userId ?? null,
          approved?.sessionId ?? null,
          approved?.authTime ?? null,
          approved?.acr ?? null,
          approved?.amr ?? null,
          approved?.scopes ?? null,
          refused ?? null,
        ],
      });
      return rowCount === 1;
    },
    async consume({ challengeHash, verifierHash, browserHash }, code) {
      const { rows } = await postgres.query<RequestRow & DecisionRow>({
        name: "consume-authorization-request",
        // FOR SHARE: a session that ends at the same time, or a client that is
        // disabled, either is so before, and then nothing is made, or sees the
        // grant and revokes it. The user first, as all do that change both:
        // else of the two one would die.
        text: `WITH decided AS (
            DELETE FROM authorization_requests USING ${UNSYNCED}
            WHERE challenge_hash = $1 AND verifier_hash = $2
              AND browser_hash = $3 AND expires_at > now()
            RETURNING client_id, parameters, expires_at, error, user_id,
              session_id, auth_time, acr, amr, scopes
          ), good AS (
            SELECT d.*, ${GRANTABLE_SCOPES} AS grantable
            FROM decided d
              JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id
              JOIN users u ON u.id = s.user_id
              JOIN clients c ON c.id = d.client_id
            WHERE d.error IS NULL AND s.ended_at IS NULL
              AND s.expires_at > now() AND u.disabled_at IS NULL
              AND c.disabled_at IS NULL
            FOR SHARE OF u, s, c
          ), given AS (
            INSERT INTO grants
              (client_id, user_id, session_id, scopes, expires_at)
            SELECT client_id, user_id, session_id, ARRAY(
                SELECT asked FROM
                  jsonb_array_elements_text(parameters->'scopes')
                  WITH ORDINALITY AS of (asked, at)
                WHERE asked = ANY (grantable) ORDER BY at), $6
            FROM good RETURNING id
          ), issued AS (
            INSERT INTO authorization_codes (code_hash, grant_id, client_id,
              redirect_uri, code_challenge, nonce, resources, auth_time, acr,
              amr, dpop_jkt, expires_at)
            SELECT $4, given.id, client_id, parameters->>'redirectUri',
              parameters->>'codeChallenge', parameters->>'nonce',
              ARRAY(SELECT jsonb_array_elements_text(parameters->'resources')),
              auth_time, acr, amr, parameters->>'dpopJkt', $5
            FROM good, given RETURNING code_hash
          )
          SELECT *, EXISTS (SELECT FROM issued) AS issued FROM decided`,
        values: [
          challengeHash,
          verifierHash,
          browserHash,
          code.hash,
          code.expiresAt,
          code.grantExpiresAt,
        ],
      });
      const [row] = rows;
      return row && {
        ...requestOf(row),
        decision: decisionOf(row),
        codeIssued: row.issued,
      };
    },
  };
}

function requestOf(row: RequestRow): AuthorizationRequest {
  return {
    clientId: row.client_id,
    parameters: row.parameters,
    expiresAt: row.expires_at,
  };
}

function decisionOf(row: DecisionRow): Decision {
  if (row.error !== null) return { refused: row.error };
  return {
    approved: {
      userId: row.user_id,
      sessionId: row.session_id,
      authTime: row.auth_time,
      acr: row.acr,
      amr: row.amr,
      scopes: row.scopes,
    },
  };
}
