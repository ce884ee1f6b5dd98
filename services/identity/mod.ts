/**
 * OAuth 2.1 and OpenID Connect: an authorization server, an identity provider,
 * a resource server and a server for the console, over one PostgreSQL.
 *
 * @module
 */
export * from "./config.ts";
export { hashSecret, newSecret } from "./domain/bearer_secret.ts";
export type { NewClient } from "./domain/client_store.ts";
export { keyIdOf } from "@mainstay/kernel/encryption";
export type { IdentityServiceOptions } from "./identity_service.ts";
export * from "./authz/module.ts";
export * from "./idp/module.ts";
export * from "./rs/module.ts";
export * from "./spa/module.ts";
