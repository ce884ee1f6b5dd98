import type { Postgres, Queryable } from "@mainstay/adapters/postgres";
import type {
  Client,
  ClientSecret,
  RegisteredClient,
} from "../domain/client.ts";
import { ClientExists } from "../domain/client_exists.ts";
import type { ClientStore, NewClient } from "../domain/client_store.ts";
import { revokeClient } from "./revoke_client.ts";
import { present } from "./row.ts";

interface ClientRow {
  readonly id: string;
  readonly name: string;
  readonly auth_method: Client["authMethod"];
  readonly grant_types: Client["grantTypes"];
  readonly redirect_uris: string[];
  readonly post_logout_redirect_uris: string[];
  readonly scopes: string[];
  readonly audiences: string[];
  readonly first_party: boolean;
  readonly access_token_alg: Client["accessTokenAlg"];
  readonly id_token_alg: Client["idTokenAlg"];
  readonly require_par: boolean;
  readonly dpop_bound: boolean;
  readonly may_introspect: boolean;
  readonly jwks: NonNullable<Client["jwks"]> | null;
  readonly jwks_uri: string | null;
  readonly tls_subject_dn: string | null;
  readonly backchannel_logout_uri: string | null;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
}

interface SecretRow {
  readonly secret_hash: Uint8Array | null;
  readonly secret_encrypted: Uint8Array | null;
  readonly secret_expires_at: Date | null;
}

/** Keeps clients in the tables `clients` and `client_secrets`. */
export function postgresClientStore(postgres: Postgres): ClientStore {
  return {
    async find(id) {
      // What PostgreSQL's text cannot hold is no client's id.
      if (id.includes("\0")) return undefined;
      const { rows } = await postgres.query<ClientRow & SecretRow>({
        name: "find-client",
        text: `SELECT c.*, s.secret_hash, s.secret_encrypted,
                 s.expires_at AS secret_expires_at
          FROM clients c LEFT JOIN client_secrets s ON s.client_id = c.id
            AND (s.expires_at IS NULL OR s.expires_at > now())
          WHERE c.id = $1 ORDER BY s.created_at DESC`,
        values: [id],
      });
      const [row] = rows;
      return row && registered(row, rows.flatMap(secretOf));
    },
    async hold(id) {
      const { rows } = await postgres.query<ClientRow>(
        "SELECT * FROM clients WHERE id = $1 FOR NO KEY UPDATE",
        [id],
      );
      return rows[0] && clientOf(rows[0]);
    },
    async list({ limit, after = "" }) {
      const { rows } = await postgres.query<ClientRow>(
        "SELECT * FROM clients WHERE id > $1 ORDER BY id LIMIT $2",
        [after, limit],
      );
      return rows.map(clientOf);
    },
    async create(client, secret) {
      return await postgres.transaction(async (transaction) => {
        const row = await insertClient(transaction, client);
        if (row === undefined) throw new ClientExists(client.id);
        if (secret) await insertSecret(transaction, client.id, secret);
        return clientOf(row);
      });
    },
    async update(client) {
      const { rowCount } = await postgres.query(
        `UPDATE clients SET ${ASSIGNMENTS}, updated_at = now() WHERE id = $1`,
        valuesOf(client),
      );
      return rowCount === 1;
    },
    async setDisabled(id, disabled) {
      return await postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          `UPDATE clients SET updated_at = now(), disabled_at =
             CASE WHEN $2 THEN coalesce(disabled_at, now()) END
           WHERE id = $1`,
          [id, disabled],
        );
        if (disabled) await revokeClient(transaction, id);
        return rowCount === 1;
      });
    },
    async rotateSecret(id, secret, previousExpireAt) {
      return await postgres.transaction(async (transaction) => {
        const { rowCount } = await transaction.query(
          "SELECT FROM clients WHERE id = $1 FOR UPDATE",
          [id],
        );
        if (rowCount === 0) return false;
        // Of the secrets before, the last alone is good for a while yet.
        await transaction.query(
          `UPDATE client_secrets SET expires_at = least(expires_at,
             CASE WHEN secret_hash = (
               SELECT secret_hash FROM client_secrets WHERE client_id = $1
               ORDER BY created_at DESC LIMIT 1
             ) THEN $2 ELSE now() END)
           WHERE client_id = $1`,
          [id, previousExpireAt],
        );
        await insertSecret(transaction, id, secret);
        return true;
      });
    },
  };
}

const COLUMNS = [
  "id",
  "name",
  "auth_method",
  "grant_types",
  "redirect_uris",
  "post_logout_redirect_uris",
  "scopes",
  "audiences",
  "first_party",
  "access_token_alg",
  "id_token_alg",
  "require_par",
  "dpop_bound",
  "may_introspect",
  "jwks",
  "jwks_uri",
  "tls_subject_dn",
  "backchannel_logout_uri",
];
const ASSIGNMENTS = COLUMNS.map((name, at) => `${name} = $${at + 1}`)
  .join(", ");

/** In the order of {@link COLUMNS}. */
function valuesOf(client: NewClient): readonly unknown[] {
  return [
    client.id,
    client.name,
    client.authMethod,
    client.grantTypes,
    client.redirectUris,
    client.postLogoutRedirectUris,
    client.scopes,
    client.audiences,
    client.firstParty,
    client.accessTokenAlg,
    client.idTokenAlg,
    client.requirePar,
    client.dpopBound,
    client.mayIntrospect,
    client.jwks ?? null,
    client.jwksUri ?? null,
    client.tlsSubjectDn ?? null,
    client.backchannelLogoutUri ?? null,
  ];
}

async function insertClient(
  transaction: Queryable,
  client: NewClient,
): Promise<ClientRow | undefined> {
  const { rows } = await transaction.query<ClientRow>(
    `INSERT INTO clients (${COLUMNS.join(", ")})
     VALUES (${COLUMNS.map((_, at) => `$${at + 1}`).join(", ")})
     ON CONFLICT (id) DO NOTHING RETURNING *`,
    valuesOf(client),
  );
  return rows[0];
}

async function insertSecret(
  transaction: Queryable,
  clientId: string,
  { hash, encrypted, expiresAt }: ClientSecret,
): Promise<void> {
  await transaction.query(
    `INSERT INTO client_secrets
       (client_id, secret_hash, secret_encrypted, expires_at)
     VALUES ($1, $2, $3, $4)`,
    [clientId, hash, encrypted ?? null, expiresAt ?? null],
  );
}

function clientOf(row: ClientRow): Client {
  return {
    id: row.id,
    name: row.name,
    authMethod: row.auth_method,
    grantTypes: row.grant_types,
    redirectUris: row.redirect_uris,
    postLogoutRedirectUris: row.post_logout_redirect_uris,
    scopes: row.scopes,
    audiences: row.audiences,
    firstParty: row.first_party,
    accessTokenAlg: row.access_token_alg,
    idTokenAlg: row.id_token_alg,
    requirePar: row.require_par,
    dpopBound: row.dpop_bound,
    mayIntrospect: row.may_introspect,
    createdAt: row.created_at,
    ...present({
      jwks: row.jwks,
      jwksUri: row.jwks_uri,
      tlsSubjectDn: row.tls_subject_dn,
      backchannelLogoutUri: row.backchannel_logout_uri,
      disabledAt: row.disabled_at,
    }),
  };
}

function secretOf(row: SecretRow): ClientSecret[] {
  if (row.secret_hash === null) return [];
  return [{
    hash: row.secret_hash,
    ...present({
      encrypted: row.secret_encrypted,
      expiresAt: row.secret_expires_at,
    }),
  }];
}

function registered(
  row: ClientRow,
  secrets: readonly ClientSecret[],
): RegisteredClient {
  return { ...clientOf(row), secrets };
}
