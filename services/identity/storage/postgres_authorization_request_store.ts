import type { Postgres } from "@mainstay/adapters/postgres";
import type {
  AuthorizationRequest,
  Decision,
  Refusal,
} from "../domain/authorization_request.ts";
import type { AuthorizationRequestStore } from "../domain/authorization_request_store.ts";

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
}

/** Keeps authorization requests in the table `authorization_requests`. */
export function postgresAuthorizationRequestStore(
  postgres: Postgres,
): AuthorizationRequestStore {
  return {
    async create(request, { challengeHash, browserHash }) {
      await postgres.query({
        name: "create-authorization-request",
        text: `INSERT INTO authorization_requests
            (challenge_hash, browser_hash, client_id, parameters, expires_at)
          VALUES ($1, $2, $3, $4, $5)`,
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
          WHERE challenge_hash = $1 AND decided_at IS NULL
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
    async consume({ challengeHash, verifierHash, browserHash }) {
      const { rows } = await postgres.query<RequestRow & DecisionRow>({
        name: "consume-authorization-request",
        text: `UPDATE authorization_requests SET consumed_at = now()
          WHERE challenge_hash = $1 AND verifier_hash = $2
            AND browser_hash = $3 AND consumed_at IS NULL
            AND expires_at > now()
          RETURNING client_id, parameters, expires_at, error, user_id,
            session_id, auth_time, acr, amr, scopes`,
        values: [challengeHash, verifierHash, browserHash],
      });
      const [row] = rows;
      return row && { ...requestOf(row), decision: decisionOf(row) };
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
