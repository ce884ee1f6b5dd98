/**
 * The wire schemas of the administration of the identity servers: what the
 * authorization server accepts and answers under `/admin/v1/`, and what
 * `mainstay identity … --json` prints.
 *
 * What a client may be registered as goes beyond its schema: see the mistakes
 * that the server names.
 *
 * @module
 */
import { z } from "zod";

/** Bounds of what an operator may send or ask for. */
export const ADMIN_LIMITS = { page: 1_000, listed: 100, text: 2_000 } as const;

/** An expectation in words, for a value that is missing or does not meet it. */
const expect = (what: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `Missing: expected ${what}` : `Expected ${what}`;

const text = z.string({ error: expect("a text") }).max(ADMIN_LIMITS.text, {
  error: `Expected at most ${ADMIN_LIMITS.text} characters`,
});
const texts = z.array(text, { error: expect("a list of texts") })
  .max(ADMIN_LIMITS.listed, {
    error: `Expected at most ${ADMIN_LIMITS.listed}`,
  });
const flag = z.boolean({ error: expect("true or false") });
const jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).max(ADMIN_LIMITS.listed),
}, { error: expect('a key set: {"keys": […]}') });
const moment = z.iso.datetime();

const clientFields = {
  authMethod: text.describe("How it proves itself; `none` for public clients"),
  grantTypes: texts.describe("Of `grant_types_supported`"),
  redirectUris: texts.describe("Compared character by character"),
  postLogoutRedirectUris: texts,
  scopes: texts.describe("What it may ask for"),
  audiences: texts.describe(
    "What its tokens are for; empty: the resource server",
  ),
  firstParty: flag.describe("Whether users are not asked for consent"),
  accessTokenAlg: text.describe("`EdDSA` or `RS256`"),
  idTokenAlg: text.describe("`EdDSA` or `RS256`"),
  requirePar: flag.describe("Whether it must push its requests (RFC 9126)"),
  dpopBound: flag.describe("Whether its tokens must be bound by DPoP"),
  mayIntrospect: flag.describe(
    "Whether it may introspect other clients' tokens for its audiences",
  ),
} as const;

/** What may be missing; null takes it away. */
const clientExtras = {
  jwks: jwks.describe("Its public keys"),
  jwksUri: text.describe("Where they are"),
  tlsSubjectDn: text.describe("Of its certificate, for `tls_client_auth`"),
  backchannelLogoutUri: text.describe("Told when a session ends"),
} as const;

/** A client to be registered. */
export const newClient = z.strictObject({
  id: text.optional().describe("Of one's choice; default: a random one"),
  name: text.describe("What people see when they agree"),
  ...z.object(clientFields).partial().shape,
  ...z.object(clientExtras).partial().shape,
}, { error: expect("a client: an object with name and grantTypes") });

/** What is to change of a client: what is not named stays. */
export const clientChange = z.strictObject({
  name: text.optional(),
  ...z.object(clientFields).partial().shape,
  jwks: clientExtras.jwks.nullable().optional(),
  jwksUri: clientExtras.jwksUri.nullable().optional(),
  tlsSubjectDn: clientExtras.tlsSubjectDn.nullable().optional(),
  backchannelLogoutUri: clientExtras.backchannelLogoutUri.nullable()
    .optional(),
  disabled: flag.optional().describe("Disabling revokes all that it was given"),
}, { error: expect("an object with what is to change") });

/** A client. */
export const client = z.object({
  id: z.string(),
  name: z.string(),
  ...clientFields,
  ...z.object(clientExtras).partial().shape,
  createdAt: moment,
  disabledAt: moment.nullable(),
});

/** A client as it was just changed. */
export const changedClient = client.extend({
  secret: z.string().optional().describe(
    "Shown this once, where `authMethod` has changed to one that needs a new secret",
  ),
});

/** A client as it was just registered. */
export const createdClient = z.object({
  client,
  secret: z.string().nullable().describe(
    "Shown this once; null: it proves itself otherwise",
  ),
});

/** How a secret is to be rotated. */
export const secretRotation = z.strictObject({
  overlapSeconds: z.int({ error: expect("a number of seconds") }).min(0)
    .max(30 * 86_400).default(86_400).describe(
      "How long the secrets before are good yet; 0: not any more",
    ),
});

/** A new secret of a client. */
export const rotatedSecret = z.object({
  clientId: z.string(),
  secret: z.string().describe("Shown this once"),
  previousExpireAt: moment,
});

/** An account to be made. */
export const newUser = z.strictObject({
  username: text,
  name: text.optional(),
  email: text.optional().describe("Taken for verified"),
  password: text.optional(),
  administrator: flag.optional().describe(
    "Whether it may be given the scope admin",
  ),
}, { error: expect("an account: an object with username") });

/** What is to change of an account. */
export const userChange = z.strictObject({
  password: text.optional().describe("Ends every session"),
  administrator: flag.optional(),
  disabled: flag.optional().describe("Ends every session"),
}, { error: expect("an object with what is to change") });

/** An account. */
export const user = z.object({
  id: z.string(),
  username: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  emailVerifiedAt: moment.nullable(),
  hasPassword: z.boolean(),
  passwordChangedAt: moment.nullable(),
  administrator: z.boolean(),
  createdAt: moment,
  disabledAt: moment.nullable(),
});

/** A session that goes on. */
export const adminSession = z.object({
  id: z.string(),
  userId: z.string(),
  authTime: moment,
  acr: z.string(),
  amr: z.array(z.string()),
  userAgent: z.string().nullable(),
  address: z.string().nullable(),
  createdAt: moment,
  lastSeenAt: moment,
  expiresAt: moment,
});

/** How many sessions were ended. */
export const endedSessions = z.object({ ended: z.int() });

/** How keys are to be rotated. */
export const keyRotation = z.strictObject({
  compromised: flag.default(false).describe(
    "A key has leaked: all of them are taken back at once",
  ),
});

/** A signing key, without its private part. */
export const signingKey = z.object({
  kid: z.string(),
  alg: z.string(),
  state: z.enum(["published", "signing", "retired", "expired"]),
  keyEncryptionKey: z.string().describe("Id of the key that opens it"),
  createdAt: moment,
  activeFrom: moment,
  retiredAt: moment.nullable(),
  expiresAt: moment.nullable(),
});

/** Every signing key, in the order of their turns. */
export const signingKeys = z.object({ keys: z.array(signingKey) });

/** An entry of the audit log. */
export const auditEntry = z.object({
  seq: z.int(),
  at: moment,
  action: z.string(),
  actor: z.string(),
  subject: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

const next = z.string().nullable().describe("Pass as `after`; null: the last");

export const clientPage = z.object({ clients: z.array(client), next });
export const userPage = z.object({ users: z.array(user), next });
export const sessionPage = z.object({ sessions: z.array(adminSession), next });
/** Newest first. */
export const auditPage = z.object({ entries: z.array(auditEntry), next });
