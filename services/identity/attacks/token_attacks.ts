import type { Attack } from "./attack.ts";
import { mustHold } from "./expectations.ts";
import { clientToken, isActive, newTokens } from "./honest_client.ts";
import type { Target } from "./target.ts";

function encode(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

async function newToken(target: Target): Promise<string> {
  const { body } = await clientToken(target, target.web);
  return body.access_token;
}

/** The server says of none of them that it is good, and the resource server takes none. */
async function mustBeDead(
  target: Target,
  tokens: readonly string[],
): Promise<void> {
  for (const token of tokens) {
    mustHold(
      !await isActive(target, target.web, token),
      `${token.slice(0, 40)}… is said to be good`,
    );
    const answer = await fetch(`${target.rsUrl}/api/v1/protected/resource`, {
      headers: { authorization: `Bearer ${token}` },
    });
    await answer.body?.cancel();
    mustHold(
      answer.status === 400 || answer.status === 401,
      `the resource server answers ${answer.status}`,
    );
  }
}

/** Tokens that nobody gave (RFC 8725). */
export const tokenAttacks: readonly Attack[] = [
  {
    name: "use a token without a signature",
    async run(target) {
      const token = await newToken(target);
      const [, payload] = token.split(".");
      const header = encode({ alg: "none", typ: "at+jwt" });
      await mustBeDead(target, [
        `${header}.${payload}.`,
        `${token.split(".").slice(0, 2).join(".")}.`,
      ]);
    },
  },
  {
    name: "sign a token with the public key as a secret",
    async run(target) {
      const token = await newToken(target);
      const jwks = await fetch(`${target.issuer}/oauth2/v1/jwks`);
      const { keys } = await jwks.json();
      const forged: string[] = [];
      for (const jwk of keys) {
        const header = encode({ alg: "HS256", typ: "at+jwt", kid: jwk.kid });
        const input = `${header}.${token.split(".")[1]}`;
        const key = await crypto.subtle.importKey(
          "raw",
          new TextEncoder().encode(JSON.stringify(jwk)),
          { name: "HMAC", hash: "SHA-256" },
          false,
          ["sign"],
        );
        const bytes = new TextEncoder().encode(input);
        const signature = await crypto.subtle.sign("HMAC", key, bytes);
        const text = new Uint8Array(signature)
          .toBase64({ alphabet: "base64url", omitPadding: true });
        forged.push(`${input}.${text}`);
      }
      await mustBeDead(target, forged);
    },
  },
  {
    name: "widen a token's claims",
    async run(target) {
      const [header, payload = "", signature] = (await newToken(target))
        .split(".");
      const claims = JSON.parse(atob(payload));
      const wide = encode({ ...claims, scope: "admin read:resource" });
      await mustBeDead(target, [`${header}.${wide}.${signature}`]);
    },
  },
  {
    name: "change a token's last characters",
    async run(target) {
      const token = await newToken(target);
      await mustBeDead(target, [
        `${token}A`,
        token.slice(0, -1),
        `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`,
      ]);
    },
  },
  {
    name: "use a token that was revoked",
    async run(target) {
      const token = await newToken(target);
      mustHold(await isActive(target, target.web, token), "it never was good");
      const credentials = await target.web.credentials();
      await target.post("revoke", { ...credentials, token });
      mustHold(
        !await isActive(target, target.web, token),
        "it is said to be good after it was revoked",
      );
    },
  },
  {
    name: "introspect another client's token",
    async run(target) {
      const { access_token, refresh_token } = await newTokens(
        target,
        target.web,
      );
      for (const token of [access_token, refresh_token]) {
        mustHold(
          !await isActive(target, target.other, token),
          "another client learns of it",
        );
      }
    },
  },
];
