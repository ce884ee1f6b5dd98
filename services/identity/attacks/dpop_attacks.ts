import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from "jose";
import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import {
  authorize,
  clientToken,
  newCode,
  parametersOf,
  redeem,
  refresh,
} from "./honest_client.ts";
import type { Answer, Target } from "./target.ts";

type Claims = Readonly<Record<string, unknown>>;

/** Someone with a key; knows the nonce that the server asks for, if it does. */
async function newProver(target: Target) {
  const { privateKey, publicKey } = await generateKeyPair("ES256", {
    extractable: true,
  });
  const jwk = await exportJWK(publicKey);
  const privateJwk = await exportJWK(privateKey);
  const told: { nonce?: string } = {};
  const prove = async (claims: Claims, header: Claims = {}) =>
    await new SignJWT({
      jti: crypto.randomUUID(),
      iat: nowS(),
      ...told,
      ...claims,
    }).setProtectedHeader({
      alg: "ES256",
      typ: "dpop+jwt",
      jwk,
      ...header,
    }).sign(privateKey);
  const dpop = await prove(tokenClaims(target));
  const first = await clientToken(target, target.web, { dpop });
  const nonce = first.headers.get("dpop-nonce");
  if (nonce !== null) told.nonce = nonce;
  return {
    jwk,
    privateJwk,
    jkt: await calculateJwkThumbprint(jwk),
    needsNonce: nonce !== null,
    prove,
  };
}

type Prover = Awaited<ReturnType<typeof newProver>>;

function tokenClaims(target: Target): Claims {
  return { htm: "POST", htu: `${target.issuer}/oauth2/v1/token` };
}

/** A client's own token, bound to the prover's key. */
async function tokenWith(
  target: Target,
  prover: Prover,
  claims: Claims = {},
  header: Claims = {},
): Promise<Answer> {
  const all = { ...tokenClaims(target), ...claims };
  const dpop = await prover.prove(all, header);
  return await clientToken(target, target.web, { dpop });
}

/** The proof with these changes is refused, and without them taken. */
function proofAttack(
  name: string,
  changes: (target: Target) => readonly Claims[],
): Attack {
  return {
    name,
    async run(target) {
      const prover = await newProver(target);
      for (const claims of changes(target)) {
        const answer = await tokenWith(target, prover, claims);
        mustRefuse(answer, "invalid_dpop_proof");
      }
      mustAllow(await tokenWith(target, prover));
    },
  };
}

/** Uses a bound token at the resource server. */
async function use(
  target: Target,
  token: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const answer = await fetch(`${target.rsUrl}/api/v1/protected/resource`, {
    headers: { authorization: `DPoP ${token}`, ...headers },
  });
  await answer.body?.cancel();
  return answer.status;
}

async function athOf(token: string): Promise<string> {
  const bytes = new TextEncoder().encode(token);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest)
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

const nowS = () => Math.floor(Date.now() / 1_000);

/** What proofs of possession are tried with (RFC 9449, 11). */
export const dpopAttacks: readonly Attack[] = [
  proofAttack("use a proof of another method", () => [
    { htm: "GET" },
    { htm: undefined },
  ]),
  proofAttack("use a proof for another address", ({ issuer }) => [
    { htu: `${issuer}/oauth2/v1/par` },
    { htu: `${issuer}.evil.example/oauth2/v1/token` },
    { htu: "https://evil.example/oauth2/v1/token" },
    { htu: undefined },
  ]),
  proofAttack("use an old proof, or one made ahead", () => [
    { iat: nowS() - 600 },
    { iat: nowS() + 600 },
    { iat: undefined },
  ]),
  proofAttack("use a proof without an identifier", () => [{ jti: undefined }]),
  {
    name: "use a proof twice",
    async run(target) {
      const prover = await newProver(target);
      const dpop = await prover.prove(tokenClaims(target));
      mustAllow(await clientToken(target, target.web, { dpop }));
      mustRefuse(
        await clientToken(target, target.web, { dpop }),
        "invalid_dpop_proof",
      );
      const fresh = await prover.prove(tokenClaims(target));
      const answers = await Promise.all(
        Array.from(
          { length: 10 },
          () => clientToken(target, target.web, { dpop: fresh }),
        ),
      );
      const good = answers.filter(({ status }) => status === 200).length;
      mustHold(good === 1, `${good} of 10 were taken`);
    },
  },
  {
    name: "use a proof without the nonce that is asked for",
    async run(target) {
      const prover = await newProver(target);
      if (!prover.needsNonce) return;
      for (const nonce of [undefined, "x".repeat(43)]) {
        const answer = await tokenWith(target, prover, { nonce });
        mustRefuse(answer, "use_dpop_nonce");
      }
      mustAllow(await tokenWith(target, prover));
    },
  },
  {
    name: "send two proofs",
    async run(target) {
      const prover = await newProver(target);
      const [one, two] = [
        await prover.prove(tokenClaims(target)),
        await prover.prove(tokenClaims(target)),
      ];
      mustRefuse(
        await clientToken(target, target.web, { dpop: `${one}, ${two}` }),
        "invalid_dpop_proof",
        "invalid_request",
      );
    },
  },
  {
    name: "make a proof with another key, a secret, or none",
    async run(target) {
      const prover = await newProver(target);
      const stranger = await newProver(target);
      for (
        const header of [
          { jwk: stranger.jwk },
          { jwk: undefined },
          { jwk: prover.privateJwk },
          { typ: "JWT" },
        ]
      ) {
        mustRefuse(
          await tokenWith(target, prover, {}, header),
          "invalid_dpop_proof",
        );
      }
      const good = await prover.prove(tokenClaims(target));
      const [, payload] = good.split(".");
      const encode = (header: unknown) =>
        btoa(JSON.stringify(header)).replaceAll("=", "")
          .replaceAll("+", "-").replaceAll("/", "_");
      const none = encode({ alg: "none", typ: "dpop+jwt", jwk: prover.jwk });
      const hmac = await new SignJWT(tokenClaims(target)).setProtectedHeader({
        alg: "HS256",
        typ: "dpop+jwt",
        jwk: { kty: "oct", k: "AAAA" } as JWK,
      }).sign(new Uint8Array(32));
      for (const dpop of [`${none}.${payload}.`, hmac, "nonsense"]) {
        mustRefuse(
          await clientToken(target, target.web, { dpop }),
          "invalid_dpop_proof",
        );
      }
    },
  },
  {
    name: "redeem with another key a code that is bound to one",
    async run(target) {
      const prover = await newProver(target);
      const stranger = await newProver(target);
      const code = await newCode(target, target.native, {
        dpop_jkt: prover.jkt,
      });
      const claims = tokenClaims(target);
      for (
        const headers of [{}, { dpop: await stranger.prove(claims) }]
      ) {
        mustRefuse(
          await redeem(target, target.native, code, {}, headers),
          "invalid_grant",
          "invalid_dpop_proof",
        );
      }
      const dpop = await prover.prove(claims);
      mustAllow(await redeem(target, target.native, code, {}, { dpop }));
    },
  },
  {
    name: "push a request that is bound to another key than its proof's",
    async run(target) {
      const prover = await newProver(target);
      const stranger = await newProver(target);
      const parameters = parametersOf(target.web, {
        ...await target.web.credentials(),
        dpop_jkt: stranger.jkt,
      });
      const dpop = await prover.prove({
        htm: "POST",
        htu: `${target.issuer}/oauth2/v1/par`,
      });
      mustRefuse(
        await target.post("par", parameters, { dpop }),
        "invalid_dpop_proof",
        "invalid_request",
      );
    },
  },
  {
    name: "use a public client's bound refresh token with another key",
    async run(target) {
      const prover = await newProver(target);
      const stranger = await newProver(target);
      const claims = tokenClaims(target);
      const code = await newCode(target, target.native);
      const answer = await redeem(target, target.native, code, {}, {
        dpop: await prover.prove(claims),
      });
      mustAllow(answer);
      const { refresh_token: token } = answer.body;
      for (const headers of [{}, { dpop: await stranger.prove(claims) }]) {
        mustRefuse(
          await refresh(target, target.native, token, {}, headers),
          "invalid_grant",
          "invalid_dpop_proof",
        );
      }
      const dpop = await prover.prove(claims);
      mustAllow(await refresh(target, target.native, token, {}, { dpop }));
    },
  },
  {
    name: "use a bound token without its key",
    async run(target) {
      const prover = await newProver(target);
      const stranger = await newProver(target);
      const { body: { access_token: token } } = await tokenWith(target, prover);
      const claims = {
        htm: "GET",
        htu: `${target.rsUrl}/api/v1/protected/resource`,
        ath: await athOf(token),
      };
      const prove = async (by: Prover, changes: Claims = {}) => ({
        dpop: await by.prove({ ...claims, ...changes }),
      });
      const attempts = [
        {},
        { authorization: `Bearer ${token}` },
        { ...await prove(prover), authorization: `Bearer ${token}` },
        await prove(stranger),
        await prove(prover, { ath: await athOf("another token") }),
        await prove(prover, { ath: undefined }),
        await prove(prover, { htm: "POST" }),
        await prove(prover, { htu: `${target.issuer}/x` }),
        await prove(prover, { iat: nowS() - 600 }),
      ];
      for (const [at, headers] of attempts.entries()) {
        const status = await use(target, token, headers);
        mustHold(
          status === 401 || status === 400,
          `attempt ${at} was answered with ${status}`,
        );
      }
      const once = await prove(prover);
      const status = await use(target, token, once);
      mustHold(status === 200, `the holder is refused: ${status}`);
      const again = await use(target, token, once);
      mustHold(again === 401, `a proof was taken twice: ${again}`);
    },
  },
  {
    name: "send a code to a browser of one's own with a key of another's",
    async run(target) {
      const location = await authorize(target, target.native, {
        dpop_jkt: "not a thumbprint",
      }).catch(() => undefined);
      mustHold(
        !location?.searchParams.has("code"),
        "a key that is none was taken",
      );
    },
  },
];
