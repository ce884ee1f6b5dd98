import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import { isActive, newCode, parametersOf, redeem } from "./honest_client.ts";

/** What a stolen or guessed code is tried with (RFC 9700, 4.5). */
export const codeAttacks: readonly Attack[] = [
  {
    name: "redeem a code twice, and keep what came of it",
    async run(target) {
      const { web } = target;
      const code = await newCode(target, web);
      const first = await redeem(target, web, code);
      mustAllow(first);
      mustRefuse(await redeem(target, web, code), "invalid_grant");
      for (const name of ["access_token", "refresh_token"]) {
        mustHold(
          !await isActive(target, web, first.body[name]),
          `${name} is good after its code came twice`,
        );
      }
    },
  },
  {
    name: "redeem a code 20 times at once",
    async run(target) {
      const code = await newCode(target, target.web);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => redeem(target, target.web, code)),
      );
      const good = answers.filter(({ status }) => status === 200).length;
      mustHold(good === 1, `${good} of 20 were given tokens`);
    },
  },
  {
    name: "redeem another client's code",
    async run(target) {
      const code = await newCode(target, target.web);
      const { redirectUri } = target.web;
      mustRefuse(
        await redeem(target, target.other, code, { redirect_uri: redirectUri }),
        "invalid_grant",
      );
      mustAllow(await redeem(target, target.web, code));
    },
  },
  {
    name: "redeem a code under another redirect URI",
    async run(target) {
      const code = await newCode(target, target.web);
      const changes = { redirect_uri: `${target.web.redirectUri}/` };
      mustRefuse(
        await redeem(target, target.web, code, changes),
        "invalid_grant",
      );
      mustAllow(await redeem(target, target.web, code));
    },
  },
  {
    name: "redeem an expired code",
    async run(target) {
      const code = await newCode(target, target.web);
      await target.expireCodes();
      mustRefuse(await redeem(target, target.web, code), "invalid_grant");
    },
  },
  {
    name: "redeem a guessed code",
    async run(target) {
      mustRefuse(
        await redeem(target, target.web, "a".repeat(43)),
        "invalid_grant",
      );
    },
  },
  {
    name: "redeem a code as a client that names itself and no more",
    async run(target) {
      const code = await newCode(target, target.web);
      const changes = { client_id: target.web.id, client_secret: undefined };
      mustRefuse(
        await redeem(target, target.web, code, changes),
        "invalid_client",
      );
    },
  },
  {
    name: "end in one browser a sign-in that began in another",
    async run(target) {
      const login = await target.visit(parametersOf(target.web));
      const back = await target.approve(login);
      const stranger = await target.visit(parametersOf(target.web));
      for (const cookie of [undefined, stranger.cookie]) {
        const { location } = await target.visit(back, cookie);
        mustHold(location === undefined, `it was sent to ${location}`);
      }
      const { location } = await target.visit(back, login.cookie);
      mustHold(
        location?.searchParams.has("code") === true,
        "the browser that began it was refused too",
      );
    },
  },
  {
    name: "take a sign-in without having done it",
    async run(target) {
      const login = await target.visit(parametersOf(target.web));
      const back = await target.approve(login);
      const guessed = new URLSearchParams(back);
      guessed.set("login_verifier", "a".repeat(43));
      const { location } = await target.visit(guessed, login.cookie);
      mustHold(location === undefined, `it was sent to ${location}`);
    },
  },
  {
    name: "end a sign-in twice",
    async run(target) {
      const login = await target.visit(parametersOf(target.web));
      const back = await target.approve(login);
      const first = await target.visit(back, login.cookie);
      mustHold(first.location?.searchParams.has("code") === true, "no code");
      const { location } = await target.visit(back, login.cookie);
      mustHold(location === undefined, `it was sent to ${location}`);
    },
  },
];
