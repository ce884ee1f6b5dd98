import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { certificateThumbprint } from "../domain/client_certificate.ts";
import type { Confirmation } from "../domain/token.ts";
import type { Dpop, ProvenRequest } from "./dpop.ts";

/** An access token as a request has brought it. */
export interface PresentedToken {
  readonly token: string;
  /** Of the header `Authorization`. */
  readonly scheme: "Bearer" | "DPoP";
  /** What the token is bound to, from its claim `cnf`. */
  readonly confirmation?: Confirmation | undefined;
}

/**
 * Whether who brings a token holds the key that it is bound to: by a DPoP proof
 * for this token and request, or by the certificate of the connection. A token
 * that is bound to nothing is its bearer's, and comes as `Bearer` alone.
 *
 * @throws {OAuthError} If there is a proof and it does not hold.
 */
export async function holdsKey(
  { token, scheme, confirmation }: PresentedToken,
  request: ProvenRequest,
  context: Pick<RequestContext, "url" | "clientCertificate">,
  dpop: Dpop,
): Promise<boolean> {
  if (confirmation !== undefined && "jkt" in confirmation) {
    if (scheme !== "DPoP") return false;
    return await dpop.keyOf(request, context, token) === confirmation.jkt;
  }
  if (scheme !== "Bearer") return false;
  if (confirmation === undefined) return true;
  const { clientCertificate } = context;
  return clientCertificate !== undefined &&
    certificateThumbprint(clientCertificate.der) === confirmation["x5t#S256"];
}
