import { audiencesAmong, audiencesOf } from "../../domain/audience.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import type { Client } from "../../domain/client.ts";
import {
  mintTokens,
  type TokenAnswer,
  type TokenUser,
} from "../../domain/mint_tokens.ts";
import { sealAnswer, tryOpenAnswer } from "../../domain/refresh_answer.ts";
import { scopesAmong } from "../../domain/scope.ts";
import type { Confirmation } from "../../domain/token.ts";
import type { RefreshToken } from "../../domain/token_store.ts";
import {
  endReplayed,
  invalidGrant,
  leftOf,
  requireField,
  type TokenGrant,
  type TokenGrantOptions,
  type TokenRequest,
} from "./token_grant.ts";

/** Whether a client gets a refresh token with these scopes. */
export function mayRefresh(
  client: Pick<Client, "grantTypes">,
  scopes: readonly string[],
): boolean {
  return client.grantTypes.includes("refresh_token") &&
    scopes.includes("offline_access");
}

/**
 * Gives new tokens for a refresh token, which is good once (RFC 9700, 4.14).
 *
 * An answer that was lost can be asked for again for a while, by the same
 * client with the same key, and is the same to the byte, however many ask at
 * once. Past that a second use means that two have the token: all that came of
 * the grant is revoked.
 */
export const refreshTokenGrant: TokenGrant = async (request, options) => {
  const { client, form, confirmation } = request;
  const presented = requireField(form, "refresh_token");
  const hash = hashSecret(presented);
  const found = await options.tokens.findRefresh(hash);
  const reason = refusalOf(found, request, options.now());
  if (found === undefined || reason !== undefined) {
    throw invalidGrant(reason ?? "unknown", client.id);
  }
  if (found.rotation !== undefined) {
    return await repeatAnswer(found, presented, request, options);
  }
  const { record } = found;
  const scopes = leftOf(record.scopes, client.scopes, client.id);
  if (!mayRefresh(client, scopes)) {
    throw invalidGrant("offline_access taken away", client.id);
  }
  const audiences = leftOf(
    record.audiences,
    audiencesOf(client, options.config.rsUrl),
    client.id,
  );
  const asked = form.get("scope");
  const { answer, records } = mintTokens({
    client,
    scopes: asked === undefined ? scopes : scopesAmong(asked, scopes),
    audiences: audiencesAmong(form.all("resource"), audiences),
    user: userOf(found),
    ...(confirmation && { confirmation }),
    refresh: { scopes, audiences },
  }, options);
  const sealed = sealAnswer(
    JSON.stringify(answer),
    presented,
    askerOf(client, confirmation),
  );
  if (await options.tokens.rotate(hash, sealed, records)) return answer;
  const now = await options.tokens.findRefresh(hash);
  if (now === undefined) throw invalidGrant("deleted", client.id);
  return await repeatAnswer(now, presented, request, options);
};

/** The answer that was given before, or the end of the grant. */
async function repeatAnswer(
  { record, grantId, rotation }: RefreshToken,
  presented: string,
  { client, confirmation }: TokenRequest,
  options: TokenGrantOptions,
): Promise<TokenAnswer> {
  if (rotation === undefined || record.revokedAt !== undefined) {
    throw invalidGrant("revoked meanwhile", client.id);
  }
  const answer = rotation.answer !== undefined &&
      rotation.ageMs <= options.config.refreshGraceMs
    ? tryOpenAnswer(rotation.answer, presented, askerOf(client, confirmation))
    : undefined;
  if (answer !== undefined) return JSON.parse(answer);
  const reason = "refresh token used again";
  throw await endReplayed({ grantId, clientId: client.id, reason }, options);
}

function refusalOf(
  found: RefreshToken | undefined,
  { client, confirmation }: TokenRequest,
  nowMs: number,
): string | undefined {
  if (found === undefined) return "unknown refresh token";
  const { record } = found;
  if (record.clientId !== client.id) return "another client's refresh token";
  if (record.revokedAt !== undefined) return "revoked refresh token";
  if (record.expiresAt.getTime() <= nowMs) return "expired refresh token";
  if (
    record.confirmation !== undefined &&
    thumbprintOf(record.confirmation) !== thumbprintOf(confirmation)
  ) return "other key";
  return undefined;
}

function userOf({ record, grantId, grantExpiresAt }: RefreshToken): TokenUser {
  const { userId, authTime, acr, amr, sessionId } = record;
  if (
    userId === undefined || authTime === undefined || acr === undefined ||
    amr === undefined
  ) throw new TypeError("Cannot refresh: the token is no user's");
  return {
    userId,
    grantId,
    authTime,
    acr,
    amr,
    ...(sessionId !== undefined && { sessionId }),
    grantExpiresAt,
  };
}

function askerOf(client: Client, confirmation?: Confirmation): string {
  return `${thumbprintOf(confirmation)} ${client.id}`;
}

function thumbprintOf(confirmation: Confirmation | undefined): string {
  if (confirmation === undefined) return "";
  return "jkt" in confirmation ? confirmation.jkt : confirmation["x5t#S256"];
}
