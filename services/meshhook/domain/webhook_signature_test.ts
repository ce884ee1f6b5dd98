import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import {
  type SignatureScheme,
  type SignatureVerdict,
  TOLERANCE_MS,
  verifySignature,
} from "./webhook_signature.ts";

const NOW_MS = 1_800_000_000_000;
const body = new TextEncoder().encode('{"action":"opened"}');
const hmac = (secret: string, ...parts: Array<string | Uint8Array>) => {
  const digest = createHmac("sha256", secret);
  for (const part of parts) digest.update(part);
  return digest;
};

type Scheme = Exclude<SignatureScheme, "jwt">;

function sign(
  scheme: Scheme,
  secret: string,
  seconds = NOW_MS / 1_000,
  content: Uint8Array = body,
): Record<string, string> {
  switch (scheme) {
    case "github":
      return {
        "x-github-delivery": "d-1",
        "x-hub-signature-256": `sha256=${hmac(secret, content).digest("hex")}`,
      };
    case "stripe":
      return {
        "stripe-signature": `t=${seconds},v1=${
          hmac(secret, `${seconds}.`, content).digest("hex")
        }`,
      };
    case "standard":
      return {
        "webhook-id": "msg_1",
        "webhook-timestamp": `${seconds}`,
        "webhook-signature": `v1,${
          hmac(secret, `msg_1.${seconds}.`, content).digest("base64")
        }`,
      };
  }
}

const verify = (
  scheme: Scheme,
  headers: Record<string, string>,
  secrets = ["right"],
): SignatureVerdict =>
  verifySignature(
    scheme,
    { headers: new Headers(headers), body, nowMs: NOW_MS },
    secrets,
  );
const refused = (fault: string) => ({ verified: false, fault });
const schemes: readonly Scheme[] = ["standard", "github", "stripe"];

Deno.test("the sender's signature is accepted, also while its secret is rotated", () => {
  assertEquals(
    schemes.map((scheme) =>
      verify(scheme, sign(scheme, "right"), ["new", "right"])
    ),
    [
      { verified: true, deliveryId: "msg_1" },
      { verified: true, deliveryId: "d-1" },
      { verified: true },
    ],
  );
});

Deno.test("GitHub's and Standard Webhooks' published examples are accepted", () => {
  const hello = new TextEncoder().encode("Hello, World!");
  assertEquals(
    verifySignature("github", {
      headers: new Headers({
        "x-hub-signature-256":
          "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      }),
      body: hello,
      nowMs: 0,
    }, ["It's a Secret to Everybody"]),
    { verified: true },
  );
  const seconds = 1_614_265_330;
  assertEquals(
    verifySignature("standard", {
      headers: new Headers({
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": String(seconds),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      }),
      body: new TextEncoder().encode('{"test": 2432232314}'),
      nowMs: seconds * 1_000,
    }, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]),
    { verified: true, deliveryId: "msg_p5jXN8AQM9LWM0D4loKWxJek" },
  );
});

Deno.test("a missing, malformed, foreign or stale signature is refused", () => {
  const header = {
    standard: "webhook-signature",
    github: "x-hub-signature-256",
    stripe: "stripe-signature",
  };
  for (const scheme of schemes) {
    const good = sign(scheme, "right");
    assertEquals(verify(scheme, {}), refused("missing"), scheme);
    for (const value of ["", "v1", "sha1=00", "t=1", "v1=zz,t=x", "v2,AAAA"]) {
      assertEquals(
        verify(scheme, { ...good, [header[scheme]]: value }),
        refused("malformed"),
        `${scheme} ${value}`,
      );
    }
    assertEquals(
      verify(scheme, sign(scheme, "wrong")),
      refused("mismatch"),
      scheme,
    );
    assertEquals(verify(scheme, good, []), refused("mismatch"), scheme);
    const other = sign(scheme, "right", NOW_MS / 1_000, new Uint8Array());
    assertEquals(verify(scheme, other), refused("mismatch"), scheme);
  }
  for (const scheme of ["standard", "stripe"] as const) {
    for (const side of [-1, 1]) {
      const at = (NOW_MS + side * TOLERANCE_MS) / 1_000;
      assertEquals(verify(scheme, sign(scheme, "right", at)).verified, true);
      assertEquals(
        verify(scheme, sign(scheme, "right", at + side)),
        refused("stale"),
      );
    }
  }
});

Deno.test("a secret that is no base64 comes to no key that everyone has", () => {
  for (const secret of ["whsec_", "whsec_!!", "whsec_=", "whsec_A"]) {
    assertEquals(
      verify("standard", sign("standard", ""), [secret]),
      refused("mismatch"),
      secret,
    );
  }
});

Deno.test("a delivery's id that no index can hold is refused", () => {
  const id = "x".repeat(201);
  for (
    const [scheme, name] of [
      ["standard", "webhook-id"],
      ["github", "x-github-delivery"],
    ] as const
  ) {
    assertEquals(
      verify(scheme, { ...sign(scheme, "right"), [name]: id }),
      refused("malformed"),
    );
  }
});

Deno.test("no change of body or signature is accepted", () => {
  fc.assert(fc.property(
    fc.constantFrom(...schemes),
    fc.nat(body.length - 1),
    fc.integer({ min: 1, max: 255 }),
    (scheme, at, change) => {
      const changed = body.slice();
      changed[at]! ^= change;
      const verdict = verifySignature(scheme, {
        headers: new Headers(sign(scheme, "right")),
        body: changed,
        nowMs: NOW_MS,
      }, ["right"]);
      assertEquals(verdict, refused("mismatch"));
    },
  ));
});

Deno.test("a signature of another scheme, or with a second timestamp, is none", () => {
  const stripe = sign("stripe", "right")["stripe-signature"]!;
  assertEquals(
    verify("stripe", { "stripe-signature": `t=1,${stripe}` }),
    refused("malformed"),
  );
  assertEquals(verify("github", sign("standard", "right")), refused("missing"));
});
