import type { Postgres } from "@mainstay/adapters/postgres";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { ASSERTION_TYPE } from "../domain/client_assertion.ts";
import type { NewClient } from "../domain/client_store.ts";
import type { IdentityStorage } from "../domain/identity_storage.ts";
import { hashUserCode } from "../domain/user_code.ts";
import type {
  Answer,
  SigningClient,
  Target,
  TargetClient,
  Visit,
} from "./target.ts";

/** Where the server is, and what it keeps. */
export interface PrepareTargetOptions {
  readonly issuer: string;
  readonly storage: Pick<
    IdentityStorage,
    "clients" | "users" | "sessions" | "authorizationRequests" | "devices"
  >;
  readonly postgres: Postgres;
  /** Aborts what the server is asked. */
  readonly signal?: AbortSignal;
}

/** A target that leaves nothing behind. */
export interface PreparedTarget extends Target, AsyncDisposable {}

const GRANTS: NewClient["grantTypes"] = [
  "authorization_code",
  "refresh_token",
  "client_credentials",
  "urn:ietf:params:oauth:grant-type:device_code",
];
const HOUR_MS = 3_600_000;
/** What every client and user of a target is called by. */
const PREFIX = "selftest-";
const NAME = "Self-test";
/** No password has this hash: nobody can sign in with it. */
const NO_PASSWORD = "$argon2id$none";

/**
 * Makes clients, a user and a session for attacks on the server that is
 * running, in its own database. They have names of their own, may do nothing
 * that other clients may not, and are deleted with all that came of them. So are,
 * before, those that a target of more than an hour ago could not delete.
 */
export async function prepareTarget(
  { issuer, storage, postgres, signal }: PrepareTargetOptions,
): Promise<PreparedTarget> {
  await removeLeftovers(postgres);
  const asked = signal === undefined ? {} : { signal };
  const prefix = `${PREFIX}${newSecret().slice(0, 12).toLowerCase()}`;
  const basis: Omit<NewClient, "id" | "authMethod"> = {
    name: NAME,
    grantTypes: GRANTS,
    redirectUris: ["https://app.example/cb"],
    postLogoutRedirectUris: [],
    scopes: ["openid", "offline_access", "read:resource"],
    audiences: [],
    firstParty: false,
    accessTokenAlg: "EdDSA",
    idTokenAlg: "EdDSA",
    requirePar: false,
    dpopBound: false,
    mayIntrospect: false,
  };

  async function withSecret(
    name: string,
    changes: Partial<NewClient> = {},
  ): Promise<TargetClient & { readonly secret: string }> {
    const secret = newSecret();
    const client = { ...basis, authMethod: "client_secret_post", ...changes };
    const id = `${prefix}-${name}`;
    await storage.clients.create(
      { ...client, id } as NewClient,
      { hash: hashSecret(secret) },
    );
    return {
      id,
      secret,
      redirectUri: client.redirectUris[0]!,
      credentials: () =>
        Promise.resolve({ client_id: id, client_secret: secret }),
    };
  }

  async function publicClient(): Promise<TargetClient> {
    const id = `${prefix}-native`;
    const redirectUri = "http://127.0.0.1/cb";
    await storage.clients.create({
      ...basis,
      id,
      authMethod: "none",
      redirectUris: [redirectUri],
    });
    return {
      id,
      redirectUri,
      credentials: () => Promise.resolve({ client_id: id }),
    };
  }

  async function signingClient(): Promise<SigningClient> {
    const id = `${prefix}-signer`;
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const publicJwk = { ...await exportJWK(publicKey) };
    await storage.clients.create({
      ...basis,
      id,
      authMethod: "private_key_jwt",
      jwks: { keys: [publicJwk] },
    });
    const sign: SigningClient["sign"] = async (changes = {}, options = {}) => {
      const nowS = Math.floor(Date.now() / 1_000);
      const assertion = await new SignJWT({
        iss: id,
        sub: id,
        aud: issuer,
        jti: newSecret(),
        iat: nowS,
        exp: nowS + 60,
        ...changes,
      }).setProtectedHeader({ alg: "ES256", ...options.header })
        .sign(options.key ?? privateKey);
      return {
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
      };
    };
    return {
      id,
      redirectUri: basis.redirectUris[0]!,
      publicJwk,
      sign,
      credentials: () => sign(),
    };
  }

  async function remove(): Promise<void> {
    // What has no foreign key to them goes first.
    await postgres.query(
      "DELETE FROM tokens WHERE client_id LIKE $1 || '-%'",
      [prefix],
    );
    await postgres.query("DELETE FROM clients WHERE id LIKE $1 || '-%'", [
      prefix,
    ]);
    await postgres.query("DELETE FROM users WHERE username = $1", [prefix]);
  }

  try {
    const { id: userId } = await storage.users.create({ username: prefix });
    const authentication = { acr: "1", amr: ["pwd"] };
    const newSession = async () =>
      (await storage.sessions.create({
        userId,
        authTime: new Date(),
        ...authentication,
        expiresAt: new Date(Date.now() + HOUR_MS),
      }, hashSecret(newSecret()))).id;
    let sessionId = await newSession();
    const approvalOf = (scopes: readonly string[]) => ({
      approved: {
        userId,
        sessionId,
        authTime: new Date(),
        ...authentication,
        scopes,
      },
    });
    const web = await withSecret("web");
    const encodedId = "e n+c:d%";
    const encoded = await withSecret(encodedId, {
      authMethod: "client_secret_basic",
    });
    const post: Target["post"] = async (endpoint, body, headers = {}) =>
      await answerOf(
        await fetch(`${issuer}/oauth2/v1/${endpoint}`, {
          method: "POST",
          body: new URLSearchParams(body),
          headers,
          ...asked,
        }),
      );
    const token = await post("token", {
      ...await web.credentials(),
      grant_type: "client_credentials",
      scope: "read:resource",
    });
    if (token.status !== 200) {
      throw new Error(`Cannot prepare: ${token.status} ${token.text}`);
    }
    const { aud } = JSON.parse(atob(token.body.access_token.split(".")[1]));
    return {
      issuer,
      rsUrl: [aud].flat()[0],
      web,
      other: await withSecret("other", {
        redirectUris: ["https://other.example/cb"],
      }),
      native: await publicClient(),
      signer: await signingClient(),
      encoded,
      post,
      async visit(parameters, cookie) {
        const response = await fetch(
          `${issuer}/oauth2/v1/authorize?${parameters}`,
          {
            redirect: "manual",
            headers: cookie ? { cookie } : {},
            ...asked,
          },
        );
        return await visitOf(response);
      },
      async approve(login) {
        const challenge = login.location?.searchParams.get("login_challenge");
        const verifier = newSecret();
        const challengeHash = hashSecret(challenge ?? "");
        const request = await storage.authorizationRequests
          .find(challengeHash);
        await storage.authorizationRequests.decide(
          { challengeHash, verifierHash: hashSecret(verifier) },
          approvalOf(request?.parameters.scopes ?? []),
        );
        return new URLSearchParams({
          login_challenge: challenge ?? "",
          login_verifier: verifier,
        });
      },
      async approveDevice(userCode) {
        const hash = hashUserCode(userCode);
        const request = await storage.devices.findByUserCode(hash);
        await storage.devices.decide(
          hash,
          approvalOf(request?.scopes ?? []),
          new Date(Date.now() + HOUR_MS),
        );
      },
      async signOut() {
        await storage.sessions.end(userId, sessionId);
        sessionId = await newSession();
      },
      async changePassword() {
        await storage.users.setPassword(userId, NO_PASSWORD);
        sessionId = await newSession();
      },
      async expireCodes() {
        await postgres.query(
          `UPDATE authorization_codes SET expires_at = now()
           WHERE client_id LIKE $1 || '-%' AND consumed_at IS NULL`,
          [prefix],
        );
      },
      async passGrace() {
        await postgres.query(
          `UPDATE tokens SET consumed_at = consumed_at - interval '1 hour'
           WHERE client_id LIKE $1 || '-%' AND consumed_at IS NOT NULL`,
          [prefix],
        );
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (failure) {
    await remove();
    throw failure;
  }
}

/** What others are at work with is younger. */
async function removeLeftovers(postgres: Postgres): Promise<void> {
  const old = "created_at < now() - interval '1 hour'";
  const clients = `SELECT id FROM clients
    WHERE id ~ '^${PREFIX}[a-z0-9_-]{12}-' AND name = '${NAME}' AND ${old}`;
  await postgres.query(`DELETE FROM tokens WHERE client_id IN (${clients})`);
  await postgres.query(`DELETE FROM clients WHERE id IN (${clients})`);
  // One that a person has signed up with has a password.
  await postgres.query(
    `DELETE FROM users WHERE username ~ '^${PREFIX}[a-z0-9_-]{12}$' AND ${old}
       AND coalesce(password_hash, '${NO_PASSWORD}') = '${NO_PASSWORD}'`,
  );
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const json = headers.get("content-type")?.includes("json");
  return { status, headers, text, body: json ? JSON.parse(text) : undefined };
}

async function visitOf(response: Response): Promise<Visit> {
  const location = response.headers.get("location");
  return {
    ...await answerOf(response),
    location: location === null ? undefined : new URL(location, response.url),
    cookie: response.headers.getSetCookie()[0]?.split(";")[0],
  };
}
