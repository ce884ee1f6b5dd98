import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { NewClient } from "../domain/client_store.ts";
import type { StartedIdentity } from "./start_identity.ts";

/** A client that may do everything that is not denied it. */
export const anyClient: NewClient = {
  id: "app",
  name: "An app",
  authMethod: "client_secret_post",
  grantTypes: [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
  ],
  redirectUris: ["https://app.example/cb"],
  postLogoutRedirectUris: [],
  scopes: ["openid", "offline_access", "read:resource", "write:resource"],
  audiences: [],
  firstParty: false,
  accessTokenAlg: "EdDSA",
  idTokenAlg: "EdDSA",
  requirePar: false,
  dpopBound: false,
  mayIntrospect: false,
};

/** Registers {@link anyClient} with changes; returns its secret. */
export async function addClient(
  { storage }: Pick<StartedIdentity, "storage">,
  changes: Partial<NewClient> = {},
): Promise<string> {
  const secret = newSecret();
  const client = { ...anyClient, ...changes };
  await storage.clients.create(
    client,
    client.authMethod === "none" ? undefined : { hash: hashSecret(secret) },
  );
  return secret;
}

/** A user who has signed in. */
export async function addSession(
  { postgres }: Pick<StartedIdentity, "postgres">,
): Promise<{ readonly userId: string; readonly sessionId: string }> {
  const { rows: [row] } = await postgres.query<
    { readonly userId: string; readonly sessionId: string }
  >(
    `WITH u AS (INSERT INTO users (username) VALUES ($1) RETURNING id)
     INSERT INTO sessions (session_hash, user_id, auth_time, acr, amr, expires_at)
     SELECT $2, u.id, now(), '1', '{pwd}', now() + interval '1 hour' FROM u
     RETURNING user_id AS "userId", id AS "sessionId"`,
    [`user-${crypto.randomUUID()}`, hashSecret(newSecret())],
  );
  if (row === undefined) throw new Error("Cannot arrange a session");
  return row;
}

interface CodeScope {
  readonly scopes: readonly string[];
  readonly codeChallenge?: string;
}

/** A code for {@link anyClient}, which the user of a session has agreed to; undefined if there is none. */
export async function addCode(
  ...request: Parameters<typeof addAgreement>
): Promise<string | undefined> {
  const takeCode = await addAgreement(...request);
  return await takeCode();
}

/** What is left of {@link addCode} once the user has agreed. */
export async function addAgreement(
  { storage }: Pick<StartedIdentity, "storage">,
  session: { readonly userId: string; readonly sessionId: string },
  { scopes, codeChallenge = "c".repeat(43) }: CodeScope,
): Promise<() => Promise<string | undefined>> {
  const { authorizationRequests } = storage;
  const keys = {
    challengeHash: hashSecret(newSecret()),
    browserHash: hashSecret(newSecret()),
    verifierHash: hashSecret(newSecret()),
  };
  const inAnHour = new Date(Date.now() + 3_600_000);
  await authorizationRequests.create({
    clientId: anyClient.id,
    parameters: {
      redirectUri: "https://app.example/cb",
      responseMode: "query",
      scopes,
      codeChallenge,
      resources: [],
      prompt: [],
      acrValues: [],
      uiLocales: [],
    },
    expiresAt: inAnHour,
  }, keys);
  await authorizationRequests.decide(keys, {
    approved: {
      ...session,
      authTime: new Date(),
      acr: "1",
      amr: ["pwd"],
      scopes,
    },
  });
  return async () => {
    const code = newSecret();
    const decided = await authorizationRequests.consume(keys, {
      hash: hashSecret(code),
      expiresAt: inAnHour,
      grantExpiresAt: inAnHour,
    });
    return decided?.codeIssued ? code : undefined;
  };
}

/** A grant that the user of a session gave to {@link anyClient}; returns its id. */
export async function addGrant(
  { postgres }: Pick<StartedIdentity, "postgres">,
  session: { readonly userId: string; readonly sessionId?: string },
): Promise<string> {
  const { rows: [row] } = await postgres.query<{ readonly id: string }>(
    `INSERT INTO grants (client_id, user_id, session_id, scopes, expires_at)
     VALUES ($1, $2, $3, '{account}', now() + interval '1 hour') RETURNING id`,
    [anyClient.id, session.userId, session.sessionId ?? null],
  );
  if (row === undefined) throw new Error("Cannot arrange a grant");
  return row.id;
}
