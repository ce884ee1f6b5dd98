import { ok, strictEqual } from "node:assert/strict";
import { freePort, startProcess } from "@mainstay/adapters/testing";
import { addClient, addCode, addSession } from "../tests/arrange.ts";
import { PKCE, postForm } from "../tests/browser_trip.ts";
import { openTestStorage } from "../tests/open_test_storage.ts";

const CODES = 60;
const CHAINS = 6;
const LOAD_MS = 2_500;

/** What a client has in hand. */
interface Answer {
  readonly status: number;
  readonly access_token: string;
  readonly refresh_token: string;
}

Deno.test("kill -9 under load: nothing is given twice, and all that was given is known", async () => {
  await using database = await openTestStorage();
  const { storage, postgres, server } = database;
  const secret = await addClient(database);
  const session = await addSession(database);
  const port = freePort();
  const urls = { authz: `http://localhost:${port}` };
  const place = { urls: { ...urls, idp: "", rs: "", spa: "" } };
  const start = async () => {
    const authz = await startProcess(
      ["run", "-A", "services/identity/authz/main.ts"],
      {
        env: {
          ENVIRONMENT: "test",
          LOG_LEVEL: "ERROR",
          DATABASE_URL: server.url(),
          KEY_ENCRYPTION_KEYS: new Uint8Array(32).fill(7).toBase64(),
          ISSUER: urls.authz,
          SERVICE_PORT: String(port),
          ADMIN_PORT: "0",
          RATE_LIMIT: "0",
          REFRESH_GRACE: "5m",
        },
      },
    );
    await authz.waitForReady(`${urls.authz}/health`, 60_000);
    return authz;
  };
  /** Undefined: the server has gone, and nobody knows what it did. */
  const ask = async (body: Record<string, string>) => {
    try {
      const answer = await postForm(place, "token", {
        ...body,
        client_id: "app",
        client_secret: secret,
      });
      return { ...answer.body, status: answer.status } as Answer;
    } catch {
      return undefined;
    }
  };
  const redeem = (code: string) =>
    ask({
      grant_type: "authorization_code",
      code,
      code_verifier: PKCE.verifier,
    });
  const refresh = (token: string) =>
    ask({ grant_type: "refresh_token", refresh_token: token });
  const newCode = async () => {
    const code = await addCode({ storage }, session, {
      scopes: ["openid", "offline_access", "read:resource"],
      codeChallenge: PKCE.challenge,
    });
    return code!;
  };
  const codes = await Promise.all(Array.from({ length: CODES }, newCode));
  const chainCodes = await Promise.all(Array.from({ length: CHAINS }, newCode));

  const given: string[] = [];
  const redeemed = new Map<string, Answer>();
  const chains: string[] = [];
  {
    await using first = await start();
    for (const code of chainCodes) {
      const answer = await redeem(code);
      chains.push(answer?.refresh_token ?? "");
    }
    let alive = true;
    const untilKilled = async (step: () => Promise<boolean>) => {
      while (alive && await step());
    };
    const load = [
      ...Array.from({ length: 8 }, () =>
        untilKilled(async () => {
          const answer = await ask({
            grant_type: "client_credentials",
            scope: "read:resource",
          });
          if (answer?.status === 200) given.push(answer.access_token);
          return answer !== undefined;
        })),
      untilKilled(async () => {
        const code = codes[redeemed.size];
        const answer = code === undefined ? undefined : await redeem(code);
        if (code && answer?.status === 200) redeemed.set(code, answer);
        await new Promise((resolve) => setTimeout(resolve, 30));
        return answer !== undefined;
      }),
      ...chains.map((_, at) =>
        untilKilled(async () => {
          const answer = await refresh(chains[at]!);
          if (answer?.status === 200) chains[at] = answer.refresh_token;
          return answer !== undefined;
        })
      ),
    ];
    await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    first.kill("SIGKILL");
    await first.exited;
    alive = false;
    await Promise.all(load);
  }
  ok(given.length > 10 && redeemed.size > 2, "there was load");

  await using _second = await start();
  const jtis = new Set<string>();
  const all = [
    ...given,
    ...[...redeemed.values()].map(({ access_token }) => access_token),
  ];
  for (const token of all) {
    const { body } = await postForm(place, "introspect", {
      client_id: "app",
      client_secret: secret,
      token,
    });
    strictEqual(body.active, true, "what was given is known");
    jtis.add(body.jti);
  }
  strictEqual(jtis.size, all.length, "and given once");

  for (const token of chains) {
    const answer = await refresh(token);
    strictEqual(answer?.status, 200, "the lost answer is had again");
    strictEqual((await refresh(answer.refresh_token))?.status, 200);
  }
  const { rows } = await postgres.query<{ readonly live: string }>(
    `SELECT count(*) FILTER (WHERE consumed_at IS NULL) AS live FROM tokens
     WHERE kind = 'refresh' AND revoked_at IS NULL GROUP BY grant_id`,
  );
  for (const { live } of rows) {
    strictEqual(live, "1", "one successor, whatever was lost");
  }

  for (const code of codes) {
    const before = redeemed.has(code);
    const answer = await redeem(code);
    if (before) strictEqual(answer?.status, 400, "no code is good twice");
    strictEqual((await redeem(code))?.status, 400);
  }
});
