/**
 * What is administered, as its contract has it.
 *
 * @module
 */
import type {
  adminSession,
  auditEntry,
  client as clientSchema,
  signingKey,
  user as userSchema,
} from "@mainstay/contracts/identity_admin";
import type { z } from "zod";
import type { RecordedAuditEntry } from "../domain/audit_log.ts";
import type { Client } from "../domain/client.ts";
import { inTurn, isPublished, signingKeyAt } from "../domain/key_rotation.ts";
import type { Session } from "../domain/session.ts";
import type { SigningKeyRecord } from "../domain/signing_key.ts";
import type { User } from "../domain/user.ts";

export function clientBody(client: Client): z.infer<typeof clientSchema> {
  const { jwks, jwksUri, tlsSubjectDn, backchannelLogoutUri } = client;
  return {
    id: client.id,
    name: client.name,
    authMethod: client.authMethod,
    grantTypes: [...client.grantTypes],
    redirectUris: [...client.redirectUris],
    postLogoutRedirectUris: [...client.postLogoutRedirectUris],
    scopes: [...client.scopes],
    audiences: [...client.audiences],
    firstParty: client.firstParty,
    accessTokenAlg: client.accessTokenAlg,
    idTokenAlg: client.idTokenAlg,
    requirePar: client.requirePar,
    dpopBound: client.dpopBound,
    mayIntrospect: client.mayIntrospect,
    ...(jwks && { jwks: { keys: [...jwks.keys] } }),
    ...(jwksUri && { jwksUri }),
    ...(tlsSubjectDn && { tlsSubjectDn }),
    ...(backchannelLogoutUri && { backchannelLogoutUri }),
    createdAt: client.createdAt.toISOString(),
    disabledAt: moment(client.disabledAt),
  };
}

/** Whether it has a password, and never its hash. */
export function userBody(user: User): z.infer<typeof userSchema> {
  return {
    id: user.id,
    username: user.username,
    name: user.name ?? null,
    email: user.email ?? null,
    emailVerifiedAt: moment(user.emailVerifiedAt),
    hasPassword: user.passwordHash !== undefined,
    passwordChangedAt: moment(user.passwordChangedAt),
    administrator: user.administrator,
    createdAt: user.createdAt.toISOString(),
    disabledAt: moment(user.disabledAt),
  };
}

export function sessionBody(session: Session): z.infer<typeof adminSession> {
  return {
    id: session.id,
    userId: session.userId,
    authTime: session.authTime.toISOString(),
    acr: session.acr,
    amr: [...session.amr],
    userAgent: session.userAgent ?? null,
    address: session.address ?? null,
    createdAt: session.createdAt.toISOString(),
    lastSeenAt: session.lastSeenAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}

export function keyBodies(
  keys: readonly SigningKeyRecord[],
  nowMs: number,
): Array<z.infer<typeof signingKey>> {
  return inTurn(keys).map((key) => ({
    kid: key.kid,
    alg: key.alg,
    state: !isPublished(key, nowMs)
      ? "expired"
      : signingKeyAt(inTurn(keys), key.alg, nowMs)?.kid === key.kid
      ? "signing"
      : key.activeFrom.getTime() > nowMs
      ? "published"
      : "retired",
    keyEncryptionKey: key.kekId,
    createdAt: key.createdAt.toISOString(),
    activeFrom: key.activeFrom.toISOString(),
    retiredAt: moment(key.retiredAt),
    expiresAt: moment(key.expiresAt),
  }));
}

export function auditBody(
  entry: RecordedAuditEntry,
): z.infer<typeof auditEntry> {
  return {
    seq: entry.seq,
    at: entry.at.toISOString(),
    action: entry.action,
    actor: entry.actor,
    subject: entry.subject ?? null,
    details: { ...entry.details },
  };
}

function moment(date: Date | undefined): string | null {
  return date?.toISOString() ?? null;
}
