/**
 * The wire schemas of the identity servers' own interfaces: what the resource
 * server accepts and answers, and what the console is configured with. The
 * protocols themselves (OAuth, OpenID Connect) have theirs in their RFCs.
 *
 * @module
 */
import { z } from "zod";

/** Bounds of what a caller may store. */
export const RESOURCE_LIMITS = {
  nameCharacters: 200,
  contentCharacters: 10_000,
  /** Resources of one page. */
  page: 100,
} as const;

/** What a token must allow for each thing that the resource server does. */
export const RS_SCOPES = {
  read: "read:resource",
  write: "write:resource",
  delete: "delete:resource",
  account: "account",
  admin: "admin",
} as const;

/** One of {@link RS_SCOPES}. */
export type RsScope = (typeof RS_SCOPES)[keyof typeof RS_SCOPES];

/** An expectation in words, for a value that is missing or does not meet it. */
const expect = (what: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined ? `Missing: expected ${what}` : `Expected ${what}`;

const NAME = `1 to ${RESOURCE_LIMITS.nameCharacters} characters on one line`;
const CONTENT =
  `a text of at most ${RESOURCE_LIMITS.contentCharacters} characters`;

/** What PostgreSQL's `text` cannot hold: lone surrogates and the character 0. */
const isStorable = (text: string) =>
  text.isWellFormed() && !text.includes("\u0000");

/** A resource as it is created. */
export const newResource = z.strictObject({
  id: z.uuid({ error: "Expected a UUID" }).toLowerCase().optional().describe(
    "Of the caller's choice: a repeat with the same id adds nothing",
  ),
  name: z.string({ error: expect(NAME) }).trim()
    .min(1, { error: `Expected ${NAME}` })
    .max(RESOURCE_LIMITS.nameCharacters, { error: `Expected ${NAME}` })
    // deno-lint-ignore no-control-regex -- controls are what it looks for
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: `Expected ${NAME}` })
    .refine(isStorable, { error: `Expected ${NAME}` }),
  content: z.string({ error: expect(CONTENT) })
    .max(RESOURCE_LIMITS.contentCharacters, { error: `Expected ${CONTENT}` })
    .refine(isStorable, { error: "Expected no character 0" })
    .default(""),
}, { error: expect("a resource: an object with name and content") });

/** A resource as it is stored: what its owner keeps on the resource server. */
export const resource = z.object({
  id: z.uuid(),
  name: z.string(),
  content: z.string(),
  owner: z.string().describe("The subject of the token that created it"),
  createdAt: z.iso.datetime(),
});

/** `GET /api/v1/protected/resource`, newest first. */
export const resourcePage = z.object({
  resources: z.array(resource),
  next: z.string().nullable().describe("Pass as `after` for the next page"),
});

/** A login session of one browser, as its user sees it. */
export const session = z.object({
  id: z.string(),
  current: z.boolean().describe("Whether the token asked with belongs to it"),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  userAgent: z.string().nullable(),
  address: z.string().nullable().describe("Where it signed in from"),
});

/** `GET /api/v1/account/sessions`, latest seen first. */
export const sessionList = z.object({ sessions: z.array(session) });

/** The answer to a sign-out everywhere. */
export const sessionsEnded = z.object({ ended: z.int() });

/** What is known of a service: `unknown` until it was asked. */
export const serviceState = z.enum(["up", "down", "unknown"]);

/** A service, now and over the last day. */
export const serviceStatus = z.object({
  name: z.string(),
  state: serviceState,
  since: z.iso.datetime().nullable().describe(
    "When its state last changed, as far as it was seen",
  ),
  availability: z.array(z.number().min(0).max(1).nullable()).describe(
    "Share of answers that were well in each slot, oldest first; null where none was asked for",
  ),
});

/** `GET /api/v1/status`: needs no token, shows names and states only. */
export const statusReport = z.object({
  checkedAt: z.iso.datetime(),
  slotSeconds: z.int().describe("Length of a slot of `availability`"),
  services: z.array(serviceStatus),
});

/** `GET /api/v1/public/health`. */
export const publicHealth = z.object({ status: z.literal("ok") });

/** A user, as an administrator sees it. */
export const userSummary = z.object({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  createdAt: z.iso.datetime(),
  administrator: z.boolean(),
  disabled: z.boolean(),
});

/** `GET /api/v1/admin/users`, by name. */
export const userPage = z.object({
  users: z.array(userSummary),
  next: z.string().nullable().describe("Pass as `after` for the next page"),
});

/** `GET /api/v1/admin/metrics`: what is there now. */
export const identityFigures = z.object({
  users: z.int(),
  clients: z.int(),
  activeSessions: z.int(),
  activeTokens: z.int(),
  resources: z.int(),
});

/** Where the console's server serves its page: those of the menu, and where a sign-in comes back to. */
export const CONSOLE_PATHS = [
  "/",
  "/resources",
  "/sessions",
  "/status",
  "/callback",
] as const;

/** `GET /config.json` of the SPA's server: where the console finds everything. */
export const consoleConfig = z.object({
  issuer: z.url(),
  clientId: z.string(),
  resourceServer: z.url(),
  identityProvider: z.url(),
});

/** A new resource as the wire carries it. */
export type NewResourceBody = z.infer<typeof newResource>;
/** A resource as the wire carries it. */
export type ResourceBody = z.infer<typeof resource>;
/** A page of resources as the wire carries it. */
export type ResourcePageBody = z.infer<typeof resourcePage>;
/** A session as the wire carries it. */
export type SessionBody = z.infer<typeof session>;
/** A user as the wire carries one. */
export type UserSummaryBody = z.infer<typeof userSummary>;
/** A service's status as the wire carries it. */
export type ServiceStatusBody = z.infer<typeof serviceStatus>;
/** The status of all services as the wire carries it. */
export type StatusReportBody = z.infer<typeof statusReport>;
/** A service's state as the wire carries it. */
export type ServiceState = z.infer<typeof serviceState>;
/** The console's configuration as the wire carries it. */
export type ConsoleConfigBody = z.infer<typeof consoleConfig>;
