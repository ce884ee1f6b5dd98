import { audiencesAmong, audiencesOf } from "../../domain/audience.ts";
import type { AuthorizationCode } from "../../domain/authorization_code.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import { mintTokens } from "../../domain/mint_tokens.ts";
import { verifiesChallenge } from "../../domain/pkce.ts";
import { mayRefresh } from "./refresh_token_grant.ts";
import {
  endReplayed,
  invalidGrant,
  leftOf,
  requireField,
  type TokenGrant,
  type TokenRequest,
} from "./token_grant.ts";

/**
 * Redeems a code (RFC 6749, 4.1.3). One that comes again takes back all that
 * was given for it: someone else has had it too (RFC 9700, 4.5).
 */
export const authorizationCodeGrant: TokenGrant = async (request, options) => {
  const { client, form, confirmation } = request;
  const verifier = requireField(form, "code_verifier");
  const code = await options.codes.find(
    hashSecret(requireField(form, "code")),
  );
  if (code === undefined || code.clientId !== client.id) {
    throw invalidGrant("unknown code", client.id);
  }
  if (code.consumedAt !== undefined) {
    throw await endReplayed({ ...code, reason: "code used before" }, options);
  }
  const refusal = refusalOf(code, request, options.now());
  if (refusal !== undefined) throw invalidGrant(refusal, client.id);
  if (!verifiesChallenge(verifier, code.codeChallenge)) {
    throw invalidGrant("wrong verifier", client.id);
  }
  const scopes = leftOf(code.scopes, client.scopes, client.id);
  const granted = audiencesAmong(
    code.resources,
    audiencesOf(client, options.config.rsUrl),
  );
  const { answer, records } = mintTokens({
    client,
    scopes,
    audiences: audiencesAmong(form.all("resource"), granted),
    user: code,
    ...(confirmation && { confirmation }),
    ...(mayRefresh(client, scopes) && {
      refresh: { scopes, audiences: granted },
    }),
    ...(code.nonce !== undefined && { nonce: code.nonce }),
  }, options);
  if (await options.codes.redeem(code.hash, records)) return answer;
  // Not the first after all, or revoked while the tokens were made.
  const reason = "code used at the same time";
  throw await endReplayed({ ...code, reason }, options);
};

function refusalOf(
  code: AuthorizationCode,
  { form, confirmation }: TokenRequest,
  nowMs: number,
): string | undefined {
  if (code.expiresAt.getTime() <= nowMs) return "expired code";
  if (code.grantRevokedAt !== undefined) return "revoked grant";
  // OAuth 2.1 has dropped the parameter; where it comes, it has to fit.
  const redirectUri = form.get("redirect_uri");
  if (redirectUri !== undefined && redirectUri !== code.redirectUri) {
    return "other redirect URI";
  }
  if (
    code.dpopJkt !== undefined &&
    !(confirmation && "jkt" in confirmation &&
      confirmation.jkt === code.dpopJkt)
  ) return "other key";
  return undefined;
}
