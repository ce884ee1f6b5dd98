/** Tokens that the resource server must not take, each as its attacker would make it. */
import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
  strictEqual,
} from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from "node:crypto";
import {
  assertFaster,
  bestOfThree,
  eventually,
} from "@mainstay/adapters/testing";
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
} from "jose";
import { hashSecret } from "../domain/bearer_secret.ts";
import { addClient, addGrant, addSession } from "../tests/arrange.ts";
import { giveToken, signingKeyOf } from "../tests/give_token.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

let identity: StartedIdentity;
let urls: StartedIdentity["urls"];
let storage: StartedIdentity["storage"];
let RESOURCE: string;

const attacks: Array<readonly [name: string, run: () => Promise<void>]> = [];
const attack = (name: string, run: () => Promise<void>) =>
  void attacks.push([name, run]);

Deno.test("the resource server takes good tokens, and no others", async (t) => {
  await using started = await startIdentity({ servers: ["authz", "rs"] });
  identity = started;
  ({ urls, storage } = identity);
  RESOURCE = `${urls.rs}/api/v1/protected/resource`;
  await addClient(identity);
  for (const [name, run] of attacks) await t.step(name, run);
});

async function use(token: string, scheme = "Bearer") {
  const response = await fetch(RESOURCE, {
    headers: { authorization: `${scheme} ${token}` },
  });
  const body = await response.json();
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate") ?? "",
    body,
  };
}

async function failures(): Promise<Map<string, number>> {
  const text = await (await fetch(`${urls.rs}/metrics`)).text();
  return new Map(
    [...text.matchAll(
      /^token_validation_failures_total\{reason="([^"]+)"[^}]*\} (\d+)$/gm,
    )].map(([, reason = "", count]) => [reason, Number(count)]),
  );
}

/** Refused with 401 `invalid_token`, and counted under the reason that it was refused for. */
async function refused(token: string, reason: string) {
  const before = (await failures()).get(reason) ?? 0;
  const { status, challenge, body } = await use(token);
  strictEqual(status, 401);
  match(challenge, /^Bearer error="invalid_token", error_description="[^"]+"$/);
  strictEqual(body.type, "urn:mainstay:problem:unauthorized");
  assert(!JSON.stringify(body).includes(token.split(".")[2] || "never"));
  strictEqual((await failures()).get(reason), before + 1, reason);
}

const encode = (value: unknown) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");

/** The token's claims under another header and signature; the database is told that it was given. */
async function forge(
  token: string,
  header: Record<string, unknown>,
  signer: (input: string) => Buffer,
): Promise<string> {
  const input = `${encode(header)}.${token.split(".")[1]}`;
  const forged = `${input}.${signer(input).toString("base64url")}`;
  const record = await storage.tokens.find(hashSecret(token));
  // Even so: the signature alone has to keep it out.
  await storage.tokens.add({ ...record!, hash: hashSecret(forged) });
  return forged;
}

async function publicJwk(alg: "EdDSA" | "RS256") {
  const jwks = await (await fetch(`${urls.authz}/oauth2/v1/jwks`)).json();
  return jwks.keys.find((key: { alg: string }) => key.alg === alg);
}

attack("a good token is taken, whichever way it is signed", async () => {
  for (const alg of ["EdDSA", "RS256"] as const) {
    const { status, body } = await use(await giveToken(identity, { alg }));
    strictEqual(status, 200);
    assertEquals(body, { resources: [], next: null });
  }
});

attack(
  "no token is challenged without an error; what is no token is a bad request",
  async () => {
    const without = await fetch(RESOURCE);
    strictEqual(without.status, 401);
    match(
      without.headers.get("www-authenticate") ?? "",
      /^Bearer, DPoP algs="[^"]*EdDSA[^"]*"$/,
    );
    await without.body?.cancel();
    const token = await giveToken(identity);
    for (
      const authorization of [
        "Bearer",
        `Bearer ${token} ${token}`,
        `Bearer ${token}, Bearer ${token}`,
        `Basic ${btoa("a:b")}`,
        `Bearer ${"a".repeat(9_000)}`,
      ]
    ) {
      const response = await fetch(RESOURCE, { headers: { authorization } });
      strictEqual(response.status, 400, authorization.slice(0, 40));
      match(
        response.headers.get("www-authenticate") ?? "",
        /^Bearer error="invalid_request"/,
      );
      await response.body?.cancel();
    }
    // RFC 6750's other two places leak into logs and caches.
    const inUrl = await fetch(`${RESOURCE}?access_token=${token}`);
    strictEqual(inUrl.status, 401);
    await inUrl.body?.cancel();
  },
);

attack("alg none is refused, with a signature and without one", async () => {
  const token = await giveToken(identity);
  for (const alg of ["none", "None", "NONE"]) {
    for (const signature of ["", "x"]) {
      const forged = await forge(
        token,
        { alg, typ: "at+jwt" },
        () => Buffer.from(signature),
      );
      await refused(forged, "invalid");
    }
  }
});

attack("HS256 with the public key as its secret is refused", async () => {
  const token = await giveToken(identity, { alg: "RS256" });
  const jwk = await publicJwk("RS256");
  const pem = createPublicKey({ key: jwk, format: "jwk" })
    .export({ format: "pem", type: "spki" });
  for (const secret of [pem, JSON.stringify(jwk), jwk.n]) {
    const forged = await forge(
      token,
      { alg: "HS256", typ: "at+jwt", kid: jwk.kid },
      (input) => createHmac("sha256", secret).update(input).digest(),
    );
    await refused(forged, "invalid");
  }
});

attack(
  "an unknown kid, a foreign jku and a key of the token's own are refused, and nothing is fetched",
  async () => {
    const token = await giveToken(identity);
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const asked: string[] = [];
    await using foreign = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      onListen: () => {},
    }, ({ url }) => {
      asked.push(url);
      return Response.json({ keys: [{ ...jwk, kid: "mine" }] });
    });
    const jwk = publicKey.export({ format: "jwk" });
    const jku = `http://127.0.0.1:${foreign.addr.port}/jwks`;
    const good = await publicJwk("EdDSA");
    const mine = (input: string) => sign(null, Buffer.from(input), privateKey);
    const header = { alg: "EdDSA", typ: "at+jwt" };
    await refused(
      await forge(token, { ...header, kid: "mine" }, mine),
      "unknown-key",
    );
    await refused(
      await forge(token, { ...header, kid: "mine", jku, x5u: jku }, mine),
      "unknown-key",
    );
    await refused(
      await forge(token, { ...header, kid: "mine", jwk }, mine),
      "unknown-key",
    );
    await refused(
      await forge(token, { ...header, kid: good.kid, jwk, jku }, mine),
      "signature",
    );
    assertEquals(asked, []);
  },
);

attack("a changed claim breaks the signature", async () => {
  const token = await giveToken(identity);
  const [header, payload = "", signature] = token.split(".");
  const claims = JSON.parse(atob(payload));
  const changed = encode({ ...claims, scope: "admin" });
  await refused(`${header}.${changed}.${signature}`, "signature");
});

attack(
  "an ID token is no access token, even if it were for this server",
  async () => {
    const token = await giveToken(identity);
    const key = await signingKeyOf(identity);
    for (const typ of ["JWT", undefined, "logout+jwt", "dpop+jwt"]) {
      const forged = await forge(
        token,
        { alg: key.alg, kid: key.kid, ...(typ && { typ }) },
        (input) => key.sign(input),
      );
      await refused(forged, "invalid");
    }
  },
);

attack("a refresh token is no access token", async () => {
  await refused(
    await giveToken(identity, { record: { kind: "refresh" } }),
    "unknown",
  );
});

attack(
  "a token for someone else, from someone else, or out of date is refused",
  async () => {
    await refused(
      await giveToken(identity, { claims: { aud: `${urls.rs}.evil.example` } }),
      "audience",
    );
    await refused(
      await giveToken(identity, { claims: { iss: `${urls.authz}/` } }),
      "issuer",
    );
    const iat = Math.floor(Date.now() / 1_000) - 700;
    await refused(
      await giveToken(identity, { claims: { iat, exp: iat + 600 } }),
      "expired",
    );
  },
);

attack("a token expires while it is at hand", async () => {
  const iat = Math.floor(Date.now() / 1_000);
  const token = await giveToken(identity, { claims: { iat, exp: iat + 2 } });
  strictEqual((await use(token)).status, 200);
  await eventually("it has expired", async () => {
    const { status, challenge } = await use(token);
    return status === 401 && challenge.includes("expired");
  });
});

attack(
  "a signed token that the database does not know is refused",
  async () => {
    await refused(await giveToken(identity, { recorded: false }), "unknown");
  },
);

attack("a token without the scope is told which one it lacks", async () => {
  const token = await giveToken(identity, {
    claims: { scope: "read:resources write:resource" },
  });
  const { status, challenge, body } = await use(token);
  strictEqual(status, 403);
  match(challenge, /^Bearer error="insufficient_scope", /);
  match(challenge, /scope="read:resource"$/);
  strictEqual(body.type, "urn:mainstay:problem:forbidden");
});

attack(
  "a token that is bound to a key is worth nothing to its thief",
  async () => {
    for (const cnf of [{ jkt: "a" }, { "x5t#S256": "b" }]) {
      await refused(
        await giveToken(identity, {
          claims: { cnf },
          record: { confirmation: cnf },
        }),
        "binding",
      );
    }
  },
);

attack(
  "a bound token is taken with a proof of its key, for this request, once",
  async () => {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA");
    const jwk = await exportJWK(publicKey);
    const jkt = await calculateJwkThumbprint(jwk);
    const options = {
      claims: { cnf: { jkt } },
      record: { confirmation: { jkt } },
    };
    const token = await giveToken(identity, options);
    const prove = (
      { of = token, url = RESOURCE, method = "GET", key = privateKey } = {},
    ) =>
      new SignJWT({
        htm: method,
        htu: url,
        jti: crypto.randomUUID(),
        ath: hashSecret(of).toBase64({
          alphabet: "base64url",
          omitPadding: true,
        }),
      }).setProtectedHeader({ alg: "EdDSA", typ: "dpop+jwt", jwk })
        .setIssuedAt().sign(key);
    const ask = async (proof?: string, given = token, scheme = "DPoP") => {
      const response = await fetch(RESOURCE, {
        headers: {
          authorization: `${scheme} ${given}`,
          ...(proof === undefined ? {} : { dpop: proof }),
        },
      });
      await response.body?.cancel();
      return {
        status: response.status,
        challenge: response.headers.get("www-authenticate") ?? "",
      };
    };

    const proof = await prove();
    strictEqual((await ask(proof)).status, 200);
    const other = await generateKeyPair("EdDSA");
    const sibling = await giveToken(identity, options);
    const proofs: Record<string, string | undefined> = {
      "the same again": proof,
      "none": undefined,
      "of another method": await prove({ method: "POST" }),
      "of another address": await prove({ url: `${urls.rs}/api/v1/status` }),
      "of another server": await prove({
        url: RESOURCE.replace(urls.rs, urls.authz),
      }),
      "with another token": await prove({ of: sibling }),
      "by another key": await prove({ key: other.privateKey }),
    };
    for (const [which, one] of Object.entries(proofs)) {
      const { status, challenge } = await ask(one);
      strictEqual(status, 401, which);
      match(challenge, /^DPoP error="invalid_dpop_proof", .*algs="/, which);
    }
    // Not as its bearer, whatever is shown beside it; nor the other way round.
    strictEqual((await ask(await prove(), token, "Bearer")).status, 401);
    const bearer = await giveToken(identity);
    strictEqual((await ask(await prove({ of: bearer }), bearer)).status, 401);
  },
);

/** Until a token is refused that was good before: at most ten seconds, hopefully less than `limitMs`. */
async function refusedWithin(limitMs: number, token: string): Promise<void> {
  const startedMs = performance.now();
  await eventually(
    "the token is refused",
    async () => (await use(token)).status === 401,
  );
  const tookMs = performance.now() - startedMs;
  assertFaster(tookMs, limitMs, "From the revocation to the refusal");
}

async function revocationsAreHeard(): Promise<void> {
  await eventually("revocations are heard", async () => {
    const response = await fetch(`${urls.rs}/readyz?verbose`);
    return (await response.text()).includes("[+]revocations ok");
  });
}

attack(
  "a revoked token, and every token of a revoked grant, is refused within a second",
  () =>
    bestOfThree(async () => {
      const grantId = await addGrant(identity, await addSession(identity));
      const token = await giveToken(identity);
      const family = await Promise.all(
        [1, 2].map(() => giveToken(identity, { record: { grantId } })),
      );
      await revocationsAreHeard();
      // All are at hand now.
      for (const one of [token, ...family]) {
        strictEqual((await use(one)).status, 200);
      }

      const record = await storage.tokens.find(hashSecret(token));
      await storage.tokens.revoke(record!);
      await refusedWithin(1_000, token);
      strictEqual((await use(family[0]!)).status, 200);

      await storage.grants.revoke({ grantId });
      await Promise.all(family.map((one) => refusedWithin(1_000, one)));
      await refused(family[1]!, "revoked");
    }),
);

attack(
  "revocations that were not heard are seen within a second, and heard again after",
  () =>
    bestOfThree(async () => {
      const token = await giveToken(identity);
      await revocationsAreHeard();
      strictEqual((await use(token)).status, 200);
      const { rows } = await identity.postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')`,
      );
      assert(rows.length > 0);
      // Nobody says so: the notification is lost with the connection.
      await identity.postgres.query(
        "UPDATE tokens SET revoked_at = now() WHERE token_hash = $1",
        [hashSecret(token)],
      );
      await refusedWithin(1_500, token);
      await revocationsAreHeard();
    }),
);
