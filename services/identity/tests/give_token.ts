import {
  type AccessTokenClaims,
  signAccessToken,
} from "../domain/access_token.ts";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { SigningAlg } from "../domain/client.ts";
import { createKeyEncryption } from "@mainstay/kernel/encryption";
import { openSigningKey, type SigningKey } from "../domain/signing_key.ts";
import type { TokenRecord } from "../domain/token.ts";
import type { StartedIdentity } from "./start_identity.ts";

/** What a token says; the rest is as the authorization server would have it. */
export interface GiveTokenOptions {
  readonly claims?: Partial<AccessTokenClaims>;
  readonly record?: Partial<TokenRecord>;
  readonly alg?: SigningAlg;
  /** Default true: whether the database knows of it. */
  readonly recorded?: boolean;
}

/** The key that the authorization server of a test signs with. */
export async function signingKeyOf(
  { storage, config }: Pick<StartedIdentity, "storage" | "config">,
  alg: SigningAlg = "EdDSA",
): Promise<SigningKey> {
  const record = (await storage.keys.list()).find((key) => key.alg === alg);
  if (record === undefined) throw new Error("Cannot arrange: there is no key");
  return openSigningKey(record, createKeyEncryption(config.keyEncryptionKeys));
}

/** Gives a token as the authorization server does, except where told otherwise. */
export async function giveToken(
  identity: Pick<StartedIdentity, "storage" | "config" | "urls">,
  { claims = {}, record = {}, alg = "EdDSA", recorded = true }:
    GiveTokenOptions = {},
): Promise<string> {
  const { storage, urls } = identity;
  const iat = Math.floor(Date.now() / 1_000);
  const full: AccessTokenClaims = {
    iss: urls.authz,
    sub: "app",
    aud: urls.rs,
    client_id: "app",
    scope: "read:resource",
    jti: newSecret(),
    iat,
    exp: iat + 600,
    ...claims,
  };
  const token = signAccessToken(full, await signingKeyOf(identity, alg));
  if (recorded) {
    await storage.tokens.add({
      hash: hashSecret(token),
      kind: "access",
      jti: full.jti,
      clientId: full.client_id,
      scopes: full.scope.split(" "),
      audiences: [full.aud].flat(),
      issuedAt: new Date(full.iat * 1_000),
      expiresAt: new Date(full.exp * 1_000),
      ...record,
    });
  }
  return token;
}
