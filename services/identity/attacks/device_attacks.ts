import type { Attack } from "./attack.ts";
import { mustAllow, mustHold, mustRefuse } from "./expectations.ts";
import type { Target, TargetClient } from "./target.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

async function begin(target: Target, client: TargetClient) {
  const answer = await target.post("device_authorization", {
    ...await client.credentials(),
    scope: "openid read:resource",
  });
  mustAllow(answer);
  return answer.body;
}

async function poll(target: Target, client: TargetClient, code: string) {
  return await target.post("token", {
    ...await client.credentials(),
    grant_type: GRANT,
    device_code: code,
  });
}

/** What the device flow is tried with (RFC 8628, 5). */
export const deviceAttacks: readonly Attack[] = [
  {
    name: "guess device codes",
    async run(target) {
      for (const letter of "abcdefghij") {
        mustRefuse(
          await poll(target, target.web, letter.repeat(43)),
          "invalid_grant",
        );
      }
      const { user_code, device_code } = await begin(target, target.web);
      mustRefuse(await poll(target, target.web, user_code), "invalid_grant");
      mustHold(device_code.length >= 43, "the device code is short");
      mustHold(
        user_code.replaceAll(/[^A-Za-z0-9]/g, "").length >= 8,
        "the user code is short",
      );
    },
  },
  {
    name: "ask more often than is allowed",
    async run(target) {
      const { device_code } = await begin(target, target.web);
      mustRefuse(
        await poll(target, target.web, device_code),
        "authorization_pending",
      );
      mustRefuse(await poll(target, target.web, device_code), "slow_down");
    },
  },
  {
    name: "redeem another client's device code",
    async run(target) {
      const { device_code, user_code } = await begin(target, target.web);
      await target.approveDevice(user_code);
      mustRefuse(
        await poll(target, target.other, device_code),
        "invalid_grant",
      );
      mustAllow(await poll(target, target.web, device_code));
    },
  },
  {
    name: "redeem a device code twice",
    async run(target) {
      const { device_code, user_code } = await begin(target, target.web);
      await target.approveDevice(user_code);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => poll(target, target.web, device_code)),
      );
      const good = answers.filter(({ status }) => status === 200).length;
      mustHold(good === 1, `${good} of 10 were given tokens`);
      mustRefuse(
        await poll(target, target.web, device_code),
        "invalid_grant",
      );
    },
  },
];
