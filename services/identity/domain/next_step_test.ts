import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { ACR, meetsAcr } from "./authentication.ts";
import { nextStep, type TripState } from "./next_step.ts";
import type { Session } from "./session.ts";

const NOW_MS = 1_700_000_000_000;
const ago = (seconds: number) => new Date(NOW_MS - seconds * 1_000);

const session: Session = {
  id: "s",
  userId: "ann",
  authTime: ago(60),
  acr: ACR.oneFactor,
  amr: ["pwd"],
  createdAt: ago(60),
  lastSeenAt: ago(0),
  expiresAt: ago(-60),
};

function step(
  parameters: Partial<TripState["parameters"]> = {},
  state: Partial<Omit<TripState, "parameters">> = {},
) {
  const next = nextStep({
    parameters: {
      scopes: ["openid"],
      prompt: [],
      acrValues: [],
      ...parameters,
    },
    client: { firstParty: false },
    session,
    reachableAcr: ACR.oneFactor,
    consented: ["openid", "email"],
    fresh: false,
    nowMs: NOW_MS,
    ...state,
  });
  return next.kind === "refuse" ? next.refusal : next.kind;
}

Deno.test("a session and remembered consent need nothing more", () => {
  strictEqual(step(), "approve");
  strictEqual(step({ prompt: ["none"] }), "approve");
  strictEqual(step({ scopes: [] }), "approve");
});

Deno.test("without a session one signs in, or is refused in silence", () => {
  strictEqual(step({}, { session: undefined }), "sign-in");
  strictEqual(
    step({ prompt: ["none"] }, { session: undefined }),
    "login_required",
  );
});

Deno.test("consent is asked for again when it widens, and whenever it is asked to be", () => {
  const wider = { scopes: ["openid", "read:resource"] };
  strictEqual(step(wider), "consent");
  strictEqual(step({ ...wider, prompt: ["none"] }), "consent_required");
  strictEqual(step(wider, { client: { firstParty: true } }), "approve");
  strictEqual(step({ prompt: ["consent"] }), "consent");
  strictEqual(
    step({ prompt: ["consent"] }, { client: { firstParty: true } }),
    "consent",
  );
});

Deno.test("prompt=login wants a sign-in of this trip, however new another is", () => {
  const login = { prompt: ["login"] } as const;
  strictEqual(step(login), "sign-in");
  strictEqual(
    step(login, { session: { ...session, authTime: ago(0) } }),
    "sign-in",
  );
  strictEqual(step(login, { fresh: true }), "approve");
  strictEqual(
    step({ prompt: ["login", "consent"] }, { fresh: true }),
    "consent",
  );
});

Deno.test("max_age counts from the sign-in, and one of this trip is always new enough", () => {
  strictEqual(step({ maxAgeS: 60 }), "approve");
  strictEqual(step({ maxAgeS: 59 }), "sign-in");
  strictEqual(step({ maxAgeS: 0 }), "sign-in");
  strictEqual(step({ maxAgeS: 59, prompt: ["none"] }), "login_required");
  strictEqual(step({ maxAgeS: 0 }, { fresh: true }), "approve");
});

Deno.test("prompt=select_account asks once", () => {
  const select = { prompt: ["select_account"] } as const;
  strictEqual(step(select), "select-account");
  strictEqual(step(select, { session: undefined }), "sign-in");
  strictEqual(step(select, { fresh: true }), "approve");
});

Deno.test("id_token_hint wants the user that it names", () => {
  strictEqual(step({}, { hintedUserId: "ann" }), "approve");
  strictEqual(step({}, { hintedUserId: "bob" }), "sign-in");
  strictEqual(
    step({ prompt: ["none"] }, { hintedUserId: "bob" }),
    "login_required",
  );
  strictEqual(step({}, { hintedUserId: "bob", fresh: true }), "login_required");
});

Deno.test("acr_values asks for more only of those who can", () => {
  const two = { acrValues: ["2"] };
  const reachableAcr = ACR.twoFactors;
  strictEqual(step(two), "approve");
  strictEqual(step(two, { reachableAcr }), "sign-in");
  strictEqual(
    step({ ...two, prompt: ["none"] }, { reachableAcr }),
    "login_required",
  );
  strictEqual(
    step(two, { reachableAcr, session: { ...session, acr: "2" } }),
    "approve",
  );
  deepStrictEqual(
    [["2", "1"], ["1", "2"], ["urn:x", "2"], ["urn:x"], []].map((asked) =>
      meetsAcr("1", asked, ACR.twoFactors)
    ),
    [false, true, false, true, true],
  );
});

Deno.test("prompt=none never shows anything", () => {
  fc.assert(fc.property(
    fc.record({
      session: fc.constantFrom(session, undefined),
      fresh: fc.boolean(),
      hintedUserId: fc.constantFrom("ann", "bob", undefined),
      consented: fc.subarray(["openid", "email"]),
      client: fc.record({ firstParty: fc.boolean() }),
      reachableAcr: fc.constantFrom(ACR.oneFactor, ACR.twoFactors),
    }),
    fc.record({
      maxAgeS: fc.nat(120),
      acrValues: fc.subarray(["1", "2"]),
    }),
    (state, parameters) => {
      const next = step({ ...parameters, prompt: ["none"] }, state);
      strictEqual(
        ["sign-in", "select-account", "consent"].includes(next),
        false,
      );
    },
  ));
});
