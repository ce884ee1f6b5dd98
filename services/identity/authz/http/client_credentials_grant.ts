import { audiencesAmong, audiencesOf } from "../../domain/audience.ts";
import { mintTokens } from "../../domain/mint_tokens.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { scopesAmong } from "../../domain/scope.ts";
import type { TokenGrant } from "./token_grant.ts";

/** Of a user, who is not here. */
const USERS_OWN = ["openid", "offline_access"];

/** A client acts for itself (RFC 6749, 4.4). */
export const clientCredentialsGrant: TokenGrant = async (
  { client, form, confirmation },
  options,
) => {
  if (client.authMethod === "none") {
    throw new OAuthError(
      "unauthorized_client",
      "Cannot give a token: a public client has no credentials",
    );
  }
  const asked = form.get("scope");
  const own = client.scopes.filter((scope) => !USERS_OWN.includes(scope));
  const { answer, records } = mintTokens({
    client,
    scopes: asked === undefined ? own : scopesAmong(asked, own),
    audiences: audiencesAmong(
      form.all("resource"),
      audiencesOf(client, options.config.rsUrl),
    ),
    ...(confirmation && { confirmation }),
  }, options);
  const [record] = records;
  if (record !== undefined && await options.tokens.add(record)) return answer;
  throw new OAuthError(
    "invalid_client",
    "Cannot authenticate the client: its credentials are wrong",
    { facts: { reason: "disabled meanwhile", clientId: client.id } },
  );
};
