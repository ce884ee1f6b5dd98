import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import {
  authorize,
  newCode,
  parametersOf,
  PKCE,
  redeem,
} from "./honest_client.ts";
import type { Changes, Target } from "./target.ts";

/** The request goes back to the client as an error, and no one signs in. */
async function mustAnswerInvalid(target: Target, changes: Changes) {
  for (const client of [target.web, target.native]) {
    const { location } = await target.visit(parametersOf(client, changes));
    mustHold(
      location?.searchParams.get("error") === "invalid_request" &&
        !location.searchParams.has("code"),
      `${client.id} was sent to ${location}`,
    );
  }
}

function verifierAttack(name: string, verifier: string | undefined): Attack {
  return {
    name,
    async run(target) {
      const code = await newCode(target, target.native);
      const changes = { code_verifier: verifier };
      mustRefuse(
        await redeem(target, target.native, code, changes),
        "invalid_grant",
        "invalid_request",
      );
      mustAllow(await redeem(target, target.native, code));
    },
  };
}

/** Ways around proof keys (RFC 7636; RFC 9700, 2.1.1). */
export const pkceAttacks: readonly Attack[] = [
  {
    name: "take the challenge out of a request (downgrade)",
    run: (target) =>
      mustAnswerInvalid(target, {
        code_challenge: undefined,
        code_challenge_method: undefined,
      }),
  },
  {
    name: "ask for a code with the method plain",
    run: (target) =>
      mustAnswerInvalid(target, { code_challenge_method: "plain" }),
  },
  {
    name: "ask for a code with a method left out, which means plain",
    run: (target) =>
      mustAnswerInvalid(target, { code_challenge_method: undefined }),
  },
  {
    name: "ask for a code with a challenge that is too short",
    run: (target) =>
      mustAnswerInvalid(target, { code_challenge: PKCE.challenge.slice(1) }),
  },
  verifierAttack("redeem a code without its verifier", undefined),
  verifierAttack("redeem a code with another verifier", "a".repeat(43)),
  verifierAttack("redeem a code with its challenge", PKCE.challenge),
  verifierAttack("redeem a code with a short verifier", "a".repeat(42)),
  {
    name: "put a victim's code under an attacker's request",
    async run(target) {
      const code = await newCode(target, target.web);
      const attackers = "x".repeat(43);
      mustRefuse(
        await redeem(target, target.web, code, { code_verifier: attackers }),
        "invalid_grant",
      );
    },
  },
  {
    name: "hide who has answered (mix-up)",
    async run(target) {
      const { searchParams } = await authorize(target, target.web);
      mustHold(
        searchParams.get("iss") === target.issuer,
        `iss of the answer is ${searchParams.get("iss")}`,
      );
      const refused = await target.visit(
        parametersOf(target.web, { response_type: "token" }),
      );
      mustHold(
        refused.location?.searchParams.get("iss") === target.issuer,
        `iss of an error is ${refused.location?.searchParams.get("iss")}`,
      );
    },
  },
];
