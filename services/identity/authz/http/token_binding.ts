import type { RequestContext } from "@mainstay/kernel/lifecycle";
import type { Client } from "../../domain/client.ts";
import { certificateThumbprint } from "../../domain/client_certificate.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import type { Confirmation } from "../../domain/token.ts";
import type { Dpop, ProvenRequest } from "../../http/dpop.ts";

/**
 * Finds out which key of its holder a token is to be bound to; undefined: none,
 * it is its bearer's.
 *
 * Whoever redeems a code with `dpop_jkt`, or a bound refresh token, must compare
 * that with what this gives.
 *
 * @throws {OAuthError} If a proof does not hold, or a client that always brings one has none.
 */
export type BindToken = (
  request: ProvenRequest,
  context: Pick<RequestContext, "url" | "clientCertificate">,
  client: Client,
) => Promise<Confirmation | undefined>;

/**
 * Creates the binding of tokens: to the key of a DPoP proof where there is one,
 * else to the certificate of a client that is known by its certificate.
 */
export function createTokenBinding(dpop: Dpop): BindToken {
  return async (request, context, client) => {
    const jkt = await dpop.keyOf(request, context);
    if (jkt !== undefined) return { jkt };
    if (client.dpopBound) {
      throw new OAuthError(
        "invalid_dpop_proof",
        "Cannot give a token: the client must bring a DPoP proof",
      );
    }
    const { clientCertificate } = context;
    if (clientCertificate && knownByCertificate(client)) {
      return { "x5t#S256": certificateThumbprint(clientCertificate.der) };
    }
    return undefined;
  };
}

function knownByCertificate({ authMethod }: Client): boolean {
  return authMethod === "tls_client_auth" ||
    authMethod === "self_signed_tls_client_auth";
}
