import { signAccessToken, signJwt } from "./access_token.ts";
import { hashSecret, newSecret } from "./bearer_secret.ts";
import type { Client } from "./client.ts";
import { idTokenClaims } from "./id_token.ts";
import type { Lifetimes } from "./identity_settings.ts";
import type { KeyRing } from "./key_ring.ts";
import { type Confirmation, type TokenRecord, tokenTypeOf } from "./token.ts";

/** On whose behalf tokens are given. */
export interface TokenUser {
  readonly userId: string;
  readonly sessionId?: string;
  readonly authTime: Date;
  readonly acr: string;
  readonly amr: readonly string[];
  readonly grantId: string;
  readonly grantExpiresAt: Date;
}

/** What tokens are made of. */
export interface TokenOrder {
  readonly client: Client;
  readonly scopes: readonly string[];
  /** What the access token is for. */
  readonly audiences: readonly string[];
  /** None: the client acts for itself. */
  readonly user?: TokenUser;
  readonly confirmation?: Confirmation;
  /** What the tokens after these may be: everything that was granted. */
  readonly refresh?: {
    readonly scopes: readonly string[];
    readonly audiences: readonly string[];
  };
  readonly nonce?: string;
}

/** What the token endpoint answers (RFC 6749, 5.1). */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: "Bearer" | "DPoP";
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** Tokens, and what has to be kept of them before they may leave the server. */
export interface MintedTokens {
  readonly answer: TokenAnswer;
  readonly records: readonly TokenRecord[];
}

/** What minting works with. */
export interface MintOptions {
  readonly config: { readonly issuer: string } & Lifetimes;
  readonly keys: Pick<KeyRing, "current">;
  readonly now: () => number;
}

/** Makes the tokens of one answer. None of them outlives its grant. */
export function mintTokens(
  order: TokenOrder,
  { config, keys, now }: MintOptions,
): MintedTokens {
  const { client, scopes, user, confirmation } = order;
  const iat = Math.floor(now() / 1_000);
  const endOf = (lifetimeMs: number) =>
    Math.min(
      iat + Math.floor(lifetimeMs / 1_000),
      user ? Math.floor(user.grantExpiresAt.getTime() / 1_000) : Infinity,
    );
  const exp = endOf(config.accessTokenLifetimeMs);
  const openId = user !== undefined && scopes.includes("openid");
  const audiences = openId
    ? [...new Set([...order.audiences, config.issuer])]
    : order.audiences;
  const jti = newSecret();
  const accessToken = signAccessToken({
    iss: config.issuer,
    sub: user?.userId ?? client.id,
    aud: audiences,
    client_id: client.id,
    scope: scopes.join(" "),
    jti,
    iat,
    exp,
    ...(user && {
      auth_time: Math.floor(user.authTime.getTime() / 1_000),
      acr: user.acr,
      amr: user.amr,
      ...(user.sessionId !== undefined && { sid: user.sessionId }),
    }),
    ...(confirmation && { cnf: confirmation }),
  }, keys.current(client.accessTokenAlg));
  const common = {
    clientId: client.id,
    issuedAt: new Date(iat * 1_000),
    ...(user && {
      grantId: user.grantId,
      userId: user.userId,
      authTime: user.authTime,
      acr: user.acr,
      amr: user.amr,
      ...(user.sessionId !== undefined && { sessionId: user.sessionId }),
    }),
  };
  const records: TokenRecord[] = [{
    ...common,
    hash: hashSecret(accessToken),
    kind: "access",
    jti,
    scopes,
    audiences,
    expiresAt: new Date(exp * 1_000),
    ...(confirmation && { confirmation }),
  }];
  let refreshToken: string | undefined;
  if (order.refresh !== undefined) {
    refreshToken = newSecret();
    records.push({
      ...common,
      ...order.refresh,
      hash: hashSecret(refreshToken),
      kind: "refresh",
      jti: newSecret(),
      expiresAt: new Date(endOf(config.refreshTokenLifetimeMs) * 1_000),
      // A confidential client's are bound by its credentials (RFC 9449, 5;
      // RFC 8705, 6.3), and it may change its keys.
      ...(client.authMethod === "none" && confirmation && { confirmation }),
    });
  }
  return {
    records,
    answer: {
      access_token: accessToken,
      token_type: tokenTypeOf(confirmation),
      expires_in: exp - iat,
      scope: scopes.join(" "),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      ...(openId && {
        id_token: signJwt(
          "JWT",
          idTokenClaims({
            issuer: config.issuer,
            client,
            user,
            accessToken,
            iat,
            exp,
            nonce: order.nonce,
          }),
          keys.current(client.idTokenAlg),
        ),
      }),
    },
  };
}
