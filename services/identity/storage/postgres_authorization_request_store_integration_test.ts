import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import type {
  Approval,
  AuthorizationRequest,
} from "../domain/authorization_request.ts";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { startIdentity } from "../tests/start_identity.ts";
import { addClient, addSession } from "../tests/arrange.ts";

function secrets() {
  return {
    challengeHash: hashSecret(newSecret()),
    browserHash: hashSecret(newSecret()),
    verifierHash: hashSecret(newSecret()),
  };
}

const inAnHour = () => new Date(Date.now() + 3_600_000);

const request = (expiresAt: Date): AuthorizationRequest => ({
  clientId: "app",
  parameters: {
    redirectUri: "https://app.example/cb",
    responseMode: "query",
    scopes: ["openid"],
    codeChallenge: "c".repeat(43),
    resources: [],
    prompt: ["login"],
    acrValues: [],
    uiLocales: [],
    state: "s",
    maxAgeS: 0,
  },
  expiresAt,
});

Deno.test("an authorization request is decided once and handed out once", async () => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { authorizationRequests } = identity.storage;
  await addClient(identity, { id: "app" });
  const session = await addSession(identity);
  const approved: Approval = {
    ...session,
    authTime: new Date(1_700_000_000_000),
    acr: "1",
    amr: ["pwd"],
    scopes: ["openid"],
  };
  const begin = async (expiresAt = inAnHour()) => {
    const keys = secrets();
    await authorizationRequests.create(request(expiresAt), keys);
    return keys;
  };

  const keys = await begin();
  const found = await authorizationRequests.find(keys.challengeHash);
  assertEquals(found?.parameters, request(inAnHour()).parameters);
  strictEqual(
    await authorizationRequests.consume(keys),
    undefined,
    "an undecided one is not handed out",
  );
  const decisions = await Promise.all(
    Array.from(
      { length: 20 },
      () => authorizationRequests.decide(keys, { approved }),
    ),
  );
  strictEqual(decisions.filter(Boolean).length, 1);
  strictEqual(
    await authorizationRequests.decide(keys, { refused: "access_denied" }),
    false,
  );
  strictEqual(await authorizationRequests.find(keys.challengeHash), undefined);

  for (const wrong of ["challengeHash", "browserHash", "verifierHash"]) {
    const guess = { ...keys, [wrong]: hashSecret(newSecret()) };
    strictEqual(await authorizationRequests.consume(guess), undefined, wrong);
  }
  const handed = await Promise.all(
    Array.from({ length: 20 }, () => authorizationRequests.consume(keys)),
  );
  const [decided, ...more] = handed.filter((one) => one !== undefined);
  strictEqual(more.length, 0);
  assertEquals(decided?.decision, { approved });

  const refused = await begin();
  await authorizationRequests.decide(refused, { refused: "login_required" });
  assertEquals((await authorizationRequests.consume(refused))?.decision, {
    refused: "login_required",
  });

  const late = await begin(new Date(Date.now() - 1));
  strictEqual(await authorizationRequests.find(late.challengeHash), undefined);
  strictEqual(
    await authorizationRequests.decide(late, { approved }),
    false,
    "an expired one is not decided",
  );
});
