import {
  deepStrictEqual as assertEquals,
  strictEqual,
} from "node:assert/strict";
import type {
  Approval,
  AuthorizationRequest,
} from "../domain/authorization_request.ts";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import type { TokenRecord } from "../domain/token.ts";
import { addAgreement, addClient, addSession } from "../tests/arrange.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

function secrets() {
  return {
    challengeHash: hashSecret(newSecret()),
    browserHash: hashSecret(newSecret()),
    verifierHash: hashSecret(newSecret()),
  };
}

const inAnHour = () => new Date(Date.now() + 3_600_000);

const newCode = () => ({
  hash: hashSecret(newSecret()),
  expiresAt: inAnHour(),
  grantExpiresAt: inAnHour(),
});

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
  await using database = await openTestStorage();
  const { authorizationRequests } = database.storage;
  await addClient(database);
  const session = await addSession(database);
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
    await authorizationRequests.consume(keys, newCode()),
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
    strictEqual(
      await authorizationRequests.consume(guess, newCode()),
      undefined,
      wrong,
    );
  }
  const handed = await Promise.all(
    Array.from(
      { length: 20 },
      () => authorizationRequests.consume(keys, newCode()),
    ),
  );
  const [decided, ...more] = handed.filter((one) => one !== undefined);
  strictEqual(more.length, 0);
  assertEquals(decided?.decision, { approved });
  strictEqual(decided?.codeIssued, true);

  const refused = await begin();
  await authorizationRequests.decide(refused, { refused: "login_required" });
  assertEquals(
    (await authorizationRequests.consume(refused, newCode()))?.decision,
    {
      refused: "login_required",
    },
  );

  const late = await begin(new Date(Date.now() - 1));
  strictEqual(await authorizationRequests.find(late.challengeHash), undefined);
  strictEqual(
    await authorizationRequests.decide(late, { approved }),
    false,
    "an expired one is not decided",
  );
});

Deno.test("a database that dies takes no code back that was redeemed", async () => {
  await using database = await openTestStorage();
  const { storage, postgres, server } = database;
  await addClient(database);
  const session = await addSession(database);
  const take = await addAgreement(database, session, { scopes: ["openid"] });
  const hash = hashSecret((await take()) ?? "");
  const { grantId } = (await storage.codes.find(hash))!;
  const token: TokenRecord = {
    hash: hashSecret(newSecret()),
    kind: "access",
    jti: newSecret(),
    grantId,
    clientId: "app",
    scopes: ["openid"],
    audiences: [],
    issuedAt: new Date(),
    expiresAt: inAnHour(),
  };
  strictEqual(await storage.codes.redeem(hash, [token]), true);
  await server.kill("SIGKILL");
  await server.restart();
  await postgres.ready();
  const [code, known, again] = [
    await storage.codes.find(hash),
    await storage.tokens.find(token.hash),
    await take(),
  ];
  strictEqual(code?.consumedAt !== undefined, true);
  strictEqual(known?.jti, token.jti);
  strictEqual(again, undefined);
});
