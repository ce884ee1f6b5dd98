import { createPasswordHasher } from "@mainstay/adapters/passwords";
import { migrate, readMigrations } from "@mainstay/adapters/postgres";
import { postgresDatabase } from "@mainstay/identity/storage";
import { keptSecret } from "@mainstay/tools/local_stack";
import { hashSecret, type NewClient, newSecret } from "@mainstay/identity";
import { openIdentity } from "../identity/open_identity.ts";

/** Whom a person can be, and what a program can call itself, right after `up`. */
export interface Demo {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
}

/** Where everything is. */
export interface DemoOptions {
  readonly databaseUrl: string;
  readonly addresses: { readonly RS_URL: string; readonly SPA_URL: string };
  /** The events service's URL. */
  readonly events: string;
}

/** What the demo user and client are called. */
const DEMO = "demo";
const RESOURCE_SCOPES = ["read:resource", "write:resource", "delete:resource"];

/**
 * Migrates a private database, and makes in it the console's client, a client
 * for a program and a user, each unless it is there. Their secrets are kept
 * beside the database's, so that every start can show them.
 */
export async function seedDemo(options: DemoOptions): Promise<Demo> {
  await using identity = await openIdentity({
    DATABASE_URL: options.databaseUrl,
  });
  const { postgres, storage: { clients, users } } = identity;
  await migrate(postgres, await readMigrations(postgresDatabase.migrations));
  const clientSecret = await keptSecret("demo_client_secret", newSecret);
  const ensure = async (client: NewClient, secret?: string) => {
    if (await clients.find(client.id) !== undefined) return;
    await clients.create(
      client,
      secret === undefined ? undefined : { hash: hashSecret(secret) },
    );
  };
  await ensure(consoleClient(options.addresses.SPA_URL));
  await ensure(demoClient(options), clientSecret);
  const password = await keptSecret("demo_password", newPassword);
  if (await users.findByLogin(DEMO) === undefined) {
    const hasher = createPasswordHasher();
    const passwordHash = await hasher.hash(password);
    hasher.close();
    await users.create({ username: DEMO, name: "Demo", passwordHash });
  }
  return { clientId: DEMO, clientSecret, username: DEMO, password };
}

/** To be typed: 60 random bits in three groups. */
function newPassword(): string {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const text = [...bytes].map((byte) => letters[byte % 32]).join("");
  return text.replaceAll(/(.{4})(?=.)/g, "$1-");
}

const BASIS = {
  postLogoutRedirectUris: [],
  audiences: [],
  accessTokenAlg: "EdDSA",
  idTokenAlg: "EdDSA",
  requirePar: false,
  dpopBound: false,
  mayIntrospect: false,
} as const;

function consoleClient(spaUrl: string): NewClient {
  return {
    ...BASIS,
    id: "console",
    name: "Mainstay console",
    authMethod: "none",
    grantTypes: ["authorization_code", "refresh_token"],
    redirectUris: [`${spaUrl}/callback`],
    postLogoutRedirectUris: [`${spaUrl}/`],
    scopes: [
      "openid",
      "profile",
      "email",
      "offline_access",
      "account",
      ...RESOURCE_SCOPES,
    ],
    firstParty: true,
  };
}

function demoClient({ addresses, events }: DemoOptions): NewClient {
  return {
    ...BASIS,
    id: DEMO,
    name: "A program",
    authMethod: "client_secret_post",
    grantTypes: ["client_credentials"],
    redirectUris: [],
    scopes: [...RESOURCE_SCOPES, "events:publish", "events:read"],
    audiences: [addresses.RS_URL, events],
    firstParty: false,
  };
}
