import type { Postgres } from "@mainstay/adapters/postgres";
import type { Session } from "../domain/session.ts";
import type { SessionStore } from "../domain/session_store.ts";
import {
  endAllSessions,
  endEverySession,
  endSessions,
} from "./end_sessions.ts";
import { userOf, type UserRow } from "./postgres_user_store.ts";
import { present } from "./row.ts";
import { uuidOrNull } from "./uuid.ts";

interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly auth_time: Date;
  readonly acr: string;
  readonly amr: string[];
  readonly user_agent: string | null;
  readonly address: string | null;
  readonly created_at: Date;
  readonly last_seen_at: Date;
  readonly expires_at: Date;
}

/** A session with its user; what both have is the user's. */
interface SignedInRow extends UserRow, Omit<SessionRow, "id" | "created_at"> {
  readonly the_session: string;
  readonly session_created_at: Date;
  readonly unseen: boolean;
}

const COLUMNS = `id, user_id, auth_time, acr, amr, user_agent, address,
  created_at, last_seen_at, expires_at`;

/** Keeps sessions in the table `sessions`, by the SHA-256 of their cookies. */
export function postgresSessionStore(postgres: Postgres): SessionStore {
  return {
    async create(session, hash) {
      const { rows } = await postgres.query<SessionRow>(
        `INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr,
           user_agent, address, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
        [
          hash,
          session.userId,
          session.authTime,
          session.acr,
          session.amr,
          session.userAgent ?? null,
          session.address ?? null,
          session.expiresAt,
        ],
      );
      return sessionOf(rows[0]!);
    },
    async renew(id, { authTime, acr, amr, expiresAt }, hash) {
      const { rows } = await postgres.query<SessionRow>(
        `UPDATE sessions SET session_hash = $2, auth_time = $3, acr = $4,
           amr = $5, expires_at = $6, last_seen_at = now()
         WHERE id = $1 AND ended_at IS NULL RETURNING ${COLUMNS}`,
        [id, hash, authTime, acr, amr, expiresAt],
      );
      return rows[0] && sessionOf(rows[0]);
    },
    async find(hash) {
      const { rows } = await postgres.query<SignedInRow>({
        name: "find-session",
        text: `SELECT u.*, s.user_id, s.auth_time, s.acr, s.amr, s.user_agent,
            s.address, s.last_seen_at, s.expires_at, s.id AS the_session,
            s.created_at AS session_created_at,
            s.last_seen_at < now() - interval '1 minute' AS unseen
          FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.session_hash = $1 AND s.ended_at IS NULL
            AND s.expires_at > now() AND u.disabled_at IS NULL`,
        values: [hash],
      });
      const [row] = rows;
      if (row === undefined) return undefined;
      // Once a minute is enough to tell when it was seen.
      if (row.unseen) {
        await postgres.query(
          "UPDATE sessions SET last_seen_at = now() WHERE id = $1",
          [row.the_session],
        );
      }
      const { the_session: id, session_created_at: created_at } = row;
      return {
        session: sessionOf({ ...row, id, created_at }),
        user: userOf(row),
      };
    },
    async get(id) {
      const { rows } = await postgres.query<SessionRow>(
        `SELECT ${COLUMNS} FROM sessions
         WHERE id = $1 AND ended_at IS NULL AND expires_at > now()`,
        [uuidOrNull(id)],
      );
      return rows[0] && sessionOf(rows[0]);
    },
    async page({ limit, after }) {
      const { rows } = await postgres.query<SessionRow>(
        `SELECT ${COLUMNS} FROM sessions
         WHERE ended_at IS NULL AND expires_at > now()
           AND (NOT $2 OR (created_at, id) <
             (SELECT created_at, id FROM sessions WHERE id = $3))
         ORDER BY created_at DESC, id DESC LIMIT $1`,
        [limit, after !== undefined, uuidOrNull(after ?? "")],
      );
      return rows.map(sessionOf);
    },
    async list(userId) {
      const { rows } = await postgres.query<SessionRow>(
        `SELECT ${COLUMNS} FROM sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
         ORDER BY last_seen_at DESC, id`,
        [userId],
      );
      return rows.map(sessionOf);
    },
    end: async (userId, sessionId) =>
      await postgres.transaction((transaction) =>
        endSessions(transaction, "user_id = $1 AND id = $2", [
          userId,
          uuidOrNull(sessionId),
        ])
      ) > 0,
    endAll: (userId, { except } = {}) =>
      postgres.transaction((transaction) =>
        endAllSessions(transaction, userId, except)
      ),
    endEvery: () => postgres.transaction(endEverySession),
  };
}

function sessionOf(row: SessionRow): Session {
  return {
    id: row.id,
    userId: row.user_id,
    authTime: row.auth_time,
    acr: row.acr,
    amr: row.amr,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    ...present({ userAgent: row.user_agent, address: row.address }),
  };
}
