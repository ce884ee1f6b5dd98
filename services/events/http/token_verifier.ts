import {
  createAccessTokenVerifier,
  type TokenIssuer,
} from "@mainstay/adapters/http";
import { isScope } from "../domain/api_key.ts";
import type { VerifyToken } from "./access.ts";

/** Takes callers by the access tokens of one issuer. */
export function createTokenVerifier(issuer: TokenIssuer): VerifyToken {
  const verify = createAccessTokenVerifier(issuer);
  return async (token) => {
    const { subject, scopes } = await verify(token);
    // No API key has such a name.
    return { name: `token:${subject}`, scopes: scopes.filter(isScope) };
  };
}
