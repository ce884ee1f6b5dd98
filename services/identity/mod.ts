/**
 * OAuth 2.1 and OpenID Connect: an authorization server, an identity provider,
 * a resource server and a server for the console, over one PostgreSQL.
 *
 * @module
 */
export * from "./config.ts";
export { type AuditVerdict, verifyAuditChain } from "./domain/audit_chain.ts";
export type { AuditHead } from "./domain/audit_log.ts";
export { hashSecret, newSecret } from "./domain/bearer_secret.ts";
export type { Client } from "./domain/client.ts";
export * from "./domain/client_administration.ts";
export type { ClientDescription } from "./domain/client_rules.ts";
export type { NewClient } from "./domain/client_store.ts";
export * from "./domain/key_administration.ts";
export {
  createKeyEncryption,
  type KeyEncryption,
  keyIdOf,
} from "@mainstay/kernel/encryption";
export { encryptMailBody, mailBodyOf } from "./domain/mail_outbox.ts";
export type { User } from "./domain/user.ts";
export * from "./domain/user_administration.ts";
export * from "./http/admin_bodies.ts";
export type { IdentityServiceOptions } from "./identity_service.ts";
export * from "./authz/module.ts";
export * from "./idp/module.ts";
export * from "./rs/module.ts";
export * from "./spa/module.ts";
