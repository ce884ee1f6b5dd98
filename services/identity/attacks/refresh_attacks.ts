import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import {
  isActive,
  newCode,
  newTokens,
  redeem,
  refresh,
} from "./honest_client.ts";
import type { Target } from "./target.ts";

/** What a user does takes from clients what they had. */
function endedBy(what: string, end: (target: Target) => Promise<void>): Attack {
  return {
    name: `use tokens after ${what}`,
    async run(target) {
      const { web } = target;
      const tokens = await newTokens(target, web);
      const code = await newCode(target, web);
      await end(target);
      mustRefuse(
        await refresh(target, web, tokens.refresh_token),
        "invalid_grant",
      );
      mustRefuse(await redeem(target, web, code), "invalid_grant");
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        mustHold(!await isActive(target, web, token), "a token is good yet");
      }
      await newTokens(target, web);
    },
  };
}

/** What a stolen refresh token is tried with (RFC 9700, 4.14). */
export const refreshAttacks: readonly Attack[] = [
  {
    name: "use a refresh token again, and keep what came of it",
    async run(target) {
      const { web } = target;
      const { refresh_token: first } = await newTokens(target, web);
      const second = await refresh(target, web, first);
      mustAllow(second);
      const third = await refresh(target, web, second.body.refresh_token);
      mustAllow(third);
      await target.passGrace();
      mustRefuse(await refresh(target, web, first), "invalid_grant");
      for (const name of ["access_token", "refresh_token"]) {
        mustHold(
          !await isActive(target, web, third.body[name]),
          `${name} is good after an old refresh token came again`,
        );
      }
    },
  },
  {
    name: "use a refresh token 50 times at once",
    async run(target) {
      const { refresh_token: token } = await newTokens(target, target.web);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => refresh(target, target.web, token)),
      );
      answers.forEach(mustAllow);
      const different = new Set(answers.map(({ text }) => text)).size;
      mustHold(different === 1, `${different} different answers were given`);
    },
  },
  {
    name: "use another client's refresh token",
    async run(target) {
      const { refresh_token: token } = await newTokens(target, target.web);
      mustRefuse(await refresh(target, target.other, token), "invalid_grant");
      mustRefuse(await refresh(target, target.native, token), "invalid_grant");
      mustAllow(await refresh(target, target.web, token));
    },
  },
  {
    name: "take as another client the answer that was repeated",
    async run(target) {
      const { refresh_token: token } = await newTokens(target, target.web);
      mustAllow(await refresh(target, target.web, token));
      mustRefuse(await refresh(target, target.other, token), "invalid_grant");
    },
  },
  {
    name: "widen the scope of a refresh token",
    async run(target) {
      const { refresh_token: token } = await newTokens(target, target.web);
      for (const scope of ["openid write:resource", "admin"]) {
        mustRefuse(
          await refresh(target, target.web, token, { scope }),
          "invalid_scope",
        );
      }
      const narrow = { scope: "read:resource" };
      mustAllow(await refresh(target, target.web, token, narrow));
    },
  },
  {
    name: "ask for a token for another server",
    async run(target) {
      const { refresh_token: token } = await newTokens(target, target.web);
      const resource = "https://evil.example";
      mustRefuse(
        await refresh(target, target.web, token, { resource }),
        "invalid_target",
      );
    },
  },
  {
    name: "use a refresh token that was revoked",
    async run(target) {
      const { web } = target;
      const tokens = await newTokens(target, web);
      mustAllow(
        await target.post("revoke", {
          ...await web.credentials(),
          token: tokens.refresh_token,
        }),
      );
      mustRefuse(
        await refresh(target, web, tokens.refresh_token),
        "invalid_grant",
      );
      mustHold(
        !await isActive(target, web, tokens.access_token),
        "the access token is good after its grant was revoked",
      );
    },
  },
  endedBy("the user has signed out", (target) => target.signOut()),
  endedBy(
    "the user has set a new password",
    (target) => target.changePassword(),
  ),
  {
    name: "revoke another client's token",
    async run(target) {
      const { web, other } = target;
      const { refresh_token: token } = await newTokens(target, web);
      await target.post("revoke", { ...await other.credentials(), token });
      mustHold(await isActive(target, web, token), "it is revoked");
    },
  },
  {
    name: "use an access token as a refresh token, and the reverse",
    async run(target) {
      const { web } = target;
      const tokens = await newTokens(target, web);
      mustRefuse(
        await refresh(target, web, tokens.access_token),
        "invalid_grant",
      );
      const answer = await fetch(`${target.rsUrl}/api/v1/protected/resource`, {
        headers: { authorization: `Bearer ${tokens.refresh_token}` },
      });
      await answer.body?.cancel();
      mustHold(answer.status >= 400, "the resource server takes it");
    },
  },
];
