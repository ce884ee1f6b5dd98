import { audiencesAmong, audiencesOf } from "../../domain/audience.ts";
import { hashSecret } from "../../domain/bearer_secret.ts";
import { mintTokens } from "../../domain/mint_tokens.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { mayRefresh } from "./refresh_token_grant.ts";
import {
  invalidGrant,
  leftOf,
  requireField,
  type TokenGrant,
} from "./token_grant.ts";

/** What a device is told that has to ask again, or to give up (RFC 8628, 3.5). */
const NOT_YET = {
  pending: ["authorization_pending", "the user has not decided"],
  "too-early": ["slow_down", "the device asks too often"],
  refused: ["access_denied", "the user has declined"],
  expired: ["expired_token", "the device code has expired"],
} as const;

/** Redeems a device code, once the user has approved the device elsewhere. */
export const deviceCodeGrant: TokenGrant = async (request, options) => {
  const { client, form, confirmation } = request;
  const hash = hashSecret(requireField(form, "device_code"));
  const poll = await options.devices.poll(hash, client.id);
  if (poll.state === "unknown" || poll.state === "consumed") {
    throw invalidGrant(`${poll.state} device code`, client.id);
  }
  if (poll.state !== "approved") {
    const [error, state] = NOT_YET[poll.state];
    throw new OAuthError(error, `Cannot give a token: ${state}`);
  }
  const { grant, resources } = poll;
  const scopes = leftOf(grant.scopes, client.scopes, client.id);
  const granted = audiencesAmong(
    resources,
    audiencesOf(client, options.config.rsUrl),
  );
  const { answer, records } = mintTokens({
    client,
    scopes,
    audiences: audiencesAmong(form.all("resource"), granted),
    user: {
      userId: grant.userId,
      grantId: grant.id,
      grantExpiresAt: grant.expiresAt,
      authTime: poll.authTime,
      acr: poll.acr,
      amr: poll.amr,
    },
    ...(confirmation && { confirmation }),
    ...(mayRefresh(client, scopes) && {
      refresh: { scopes, audiences: granted },
    }),
  }, options);
  if (await options.devices.redeem(hash, records)) return answer;
  throw invalidGrant("device code used at the same time", client.id);
};
