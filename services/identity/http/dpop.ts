import { singleHeader } from "@mainstay/adapters/http";
import type { RequestContext } from "@mainstay/kernel/lifecycle";
import { DpopNonceRequired, type DpopNonces } from "../domain/dpop_nonce.ts";
import { verifyDpopProof } from "../domain/dpop_proof.ts";
import { OAuthError } from "../domain/oauth_error.ts";
import type { ReplayGuard } from "../domain/replay_guard.ts";

/** What proofs are judged with. */
export interface DpopOptions {
  /** Origins under which the server is known: its public URL, its mutual TLS one. */
  readonly origins: readonly string[];
  readonly replays: ReplayGuard;
  readonly now: () => number;
  /** Where given, every proof must hold one. */
  readonly nonces?: DpopNonces | undefined;
}

/** The request that a proof comes with. */
export interface ProvenRequest {
  readonly method: string;
  readonly headers: Headers;
}

/** Judges the proofs of one server's requests. */
export interface Dpop {
  /**
   * The thumbprint of the key that the request proves to hold; undefined where
   * it brings no proof. A proof is taken once.
   *
   * @param accessToken The one that comes with the proof, if any: it must be for it.
   * @throws {OAuthError} `invalid_dpop_proof`, `use_dpop_nonce`.
   */
  keyOf(
    request: ProvenRequest,
    context: Pick<RequestContext, "url">,
    accessToken?: string,
  ): Promise<string | undefined>;
}

/** Creates the check of `DPoP` headers (RFC 9449). */
export function createDpop(
  { origins, replays, now, nonces }: DpopOptions,
): Dpop {
  return {
    async keyOf(request, { url }, accessToken) {
      const proof = singleHeader(request, "DPoP");
      if (proof === undefined) return undefined;
      const verified = await verifyDpopProof(proof, {
        method: request.method,
        urls: origins.map((origin) => `${origin}${url.pathname}`),
        nowMs: now(),
        accessToken,
      });
      const { jkt, jti, nonce, deadAt } = verified;
      if (nonces && !(nonce && nonces.accepts(nonce, now()))) {
        throw new DpopNonceRequired(nonces.current(now()));
      }
      if (await replays.firstUse(`dpop ${jkt} ${jti}`, deadAt)) return jkt;
      throw new OAuthError(
        "invalid_dpop_proof",
        "Cannot take the DPoP proof: it is not for this request, or not valid",
        { facts: { reason: "seen before" } },
      );
    },
  };
}
