/**
 * The identity servers and their peer, each ready for every question of the
 * suite.
 *
 * @module
 */
import {
  freePort,
  startPostgres,
  startProcess,
} from "@mainstay/adapters/testing";
import { openIdentity } from "../cli/identity/open_identity.ts";
import {
  hashSecret,
  newSecret,
} from "../services/identity/domain/bearer_secret.ts";
import { taskCommand } from "../tests/task_command.ts";
import { type ProgramOptions, startProgram } from "./child_program.ts";
import { CHALLENGE, type CodeFlow } from "./code_flow.ts";
import { measure, type MeasureServer } from "./http_servers.ts";

/** An authorization server, ready to be asked. */
export interface IdentityUnderLoad {
  readonly ask: MeasureServer;
  /** All processes that take part in a sign-in. */
  readonly pids: readonly number[];
  /** Form of a client credentials request that is answered with a JWT. */
  readonly tokenForm: string;
  readonly tokenPath: string;
  /** Form of an introspection that finds a good token. */
  readonly introspectionForm: string;
  readonly introspectionPath: string;
  readonly jwksPath: string;
  readonly flow: CodeFlow;
}

const REDIRECT_URI = "https://app.example/cb";
const USER_HOURS = 12;

/** Ours: authorization server and identity provider, over a PostgreSQL that syncs to disk. */
export async function serveMainstayIdentity(
  stack: AsyncDisposableStack,
): Promise<IdentityUnderLoad> {
  const postgres = stack.use(await startPostgres({ fsync: true }));
  const [authz, idp] = [freePort(), freePort()];
  const issuer = `http://localhost:${authz}`;
  const idpUrl = `http://localhost:${idp}`;
  const rsUrl = "http://localhost:1";
  const pids: number[] = [];
  for (const [server, port] of [["authz", authz], ["idp", idp]] as const) {
    const process = stack.use(
      await startProcess(taskCommand(`service:${server}`), {
        env: {
          ISSUER: issuer,
          IDP_URL: idpUrl,
          RS_URL: rsUrl,
          DATABASE_URL: postgres.url(),
          DATABASE_MAX_OPEN_CONNS: "20",
          KEY_ENCRYPTION_KEYS: new Uint8Array(32).fill(7).toBase64(),
          SERVICE_PORT: String(port),
          ADMIN_PORT: String(freePort()),
          LOG_LEVEL: "WARN",
          RATE_LIMIT: "0",
          DRAIN_DELAY: "0",
        },
      }),
    );
    await process.waitForReady(`http://127.0.0.1:${port}/ready`);
    pids.push(process.pid);
  }
  await using opened = await openIdentity({ DATABASE_URL: postgres.url() });
  const { storage } = opened;
  const secret = newSecret();
  await storage.clients.create({
    id: "jwt",
    name: "Bench",
    authMethod: "client_secret_post",
    grantTypes: ["client_credentials", "authorization_code"],
    redirectUris: [REDIRECT_URI],
    postLogoutRedirectUris: [],
    scopes: ["openid", "read:resource"],
    audiences: [],
    firstParty: true,
    accessTokenAlg: "EdDSA",
    idTokenAlg: "EdDSA",
    requirePar: false,
    dpopBound: false,
    mayIntrospect: false,
  }, { hash: hashSecret(secret) });
  const { id: userId } = await storage.users.create({ username: "bench" });
  const session = newSecret();
  await storage.sessions.create({
    userId,
    authTime: new Date(),
    acr: "1",
    amr: ["pwd"],
    expiresAt: new Date(Date.now() + USER_HOURS * 3_600_000),
  }, hashSecret(session));
  const [pid = 0] = pids;
  return await underLoad({
    base: issuer,
    tokenPath: "/oauth2/v1/token",
    introspectionPath: "/oauth2/v1/introspect",
    jwksPath: "/oauth2/v1/jwks",
    authorizePath: "/oauth2/v1/authorize",
    client: { client_id: "jwt", client_secret: secret },
    introspects: { client_id: "jwt", client_secret: secret },
    ask: await measure(pid, authz),
    pids,
    cookies: { [idpUrl]: `mainstay_idp=${session}` },
  });
}

/** oidc-provider, which keeps all in memory. */
export async function serveOidcProvider(
  stack: AsyncDisposableStack,
  program: (port: number) => ProgramOptions,
): Promise<IdentityUnderLoad> {
  const port = freePort();
  const { pid } = stack.use(
    await startProgram({ ...program(port), readyLine: /^ready$/ }),
  );
  const client = (id: string) => ({ client_id: id, client_secret: "secret" });
  return await underLoad({
    base: `http://localhost:${port}`,
    tokenPath: "/token",
    introspectionPath: "/token/introspection",
    jwksPath: "/jwks",
    authorizePath: "/auth",
    client: client("jwt"),
    introspects: client("opaque"),
    ask: await measure(pid, port),
    pids: [pid],
    sign: () => ({
      body: new URLSearchParams({ prompt: "login", login: "bench" }),
    }),
  });
}

type Client = Readonly<Record<string, string>>;

/** Gets what the questions need, and with that tries the server. */
async function underLoad(
  { base, client, introspects, authorizePath, cookies, sign, ...rest }:
    & Pick<
      IdentityUnderLoad,
      "ask" | "pids" | "tokenPath" | "introspectionPath" | "jwksPath"
    >
    & Pick<CodeFlow, "cookies" | "sign">
    & {
      readonly base: string;
      readonly authorizePath: string;
      readonly client: Client;
      readonly introspects: Client;
    },
): Promise<IdentityUnderLoad> {
  const grant = { grant_type: "client_credentials" };
  const post = async (path: string, fields: Client) => {
    const body = new URLSearchParams(fields);
    const response = await fetch(`${base}${path}`, { method: "POST", body });
    return await response.json();
  };
  const { access_token: token } = await post(rest.tokenPath, {
    ...introspects,
    ...grant,
  });
  const question = { ...introspects, token };
  const { active } = await post(rest.introspectionPath, question);
  if (active !== true) throw new Error("Cannot measure: the token is not good");
  const parameters = new URLSearchParams({
    client_id: client["client_id"]!,
    redirect_uri: REDIRECT_URI,
    response_type: "code",
    scope: "openid read:resource",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    state: "a state",
    nonce: "a nonce",
  });
  return {
    ...rest,
    tokenForm: String(
      new URLSearchParams({ ...client, ...grant, scope: "read:resource" }),
    ),
    introspectionForm: String(new URLSearchParams(question)),
    flow: {
      authorize: `${base}${authorizePath}?${parameters}`,
      redirectUri: REDIRECT_URI,
      tokenEndpoint: `${base}${rest.tokenPath}`,
      fields: client,
      ...(cookies && { cookies }),
      ...(sign && { sign }),
    },
  };
}

/** Where every server has its discovery document. */
export const DISCOVERY_PATH = "/.well-known/openid-configuration";
