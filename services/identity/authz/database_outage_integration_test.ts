import { match, ok, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { addClient, addSession } from "../tests/arrange.ts";
import {
  authorize,
  parametersWith,
  PKCE,
  postForm,
  visitAuthorize,
} from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

/** Less than the time that a request has, and than a client has patience. */
const ANSWER_MS = 25_000;

for (const fault of ["stopped", "frozen", "killed"] as const) {
  Deno.test(`while PostgreSQL is ${fault} all is 503, and then all is well`, async () => {
    await using identity = await startIdentity({ servers: ["authz"] });
    const { server } = identity;
    const secret = await addClient(identity);
    const session = await addSession(identity);
    const credentials = { client_id: "app", client_secret: secret };
    const location = await authorize(identity, session);
    const { body: first } = await postForm(identity, "token", {
      ...credentials,
      grant_type: "authorization_code",
      code: location.searchParams.get("code") ?? "",
      code_verifier: PKCE.verifier,
    });
    const requests = {
      token: { grant_type: "client_credentials", scope: "read:resource" },
      introspect: { token: first.access_token },
      revoke: { token: "a".repeat(43) },
      par: Object.fromEntries(parametersWith({})),
      device_authorization: { scope: "openid" },
    };
    const ask = (path: string, body: Record<string, string>) =>
      postForm(identity, path, { ...body, ...credentials });
    const refresh = () =>
      ask("token", {
        grant_type: "refresh_token",
        refresh_token: first.refresh_token,
      });

    const { rows } = await identity.postgres.query<{ readonly pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE client_port IS NOT NULL",
    );
    const frozen = [server.pid, ...rows.map(({ pid }) => pid)];
    if (fault === "stopped") await server.stop();
    else if (fault === "killed") await server.kill("SIGKILL");
    else for (const pid of frozen) Deno.kill(pid, "SIGSTOP");

    const startedMs = performance.now();
    const answers = await Promise.all([
      ...Object.entries(requests).map(([path, body]) => ask(path, body)),
      refresh(),
    ]);
    const page = await visitAuthorize(identity, parametersWith({}));
    const keys = await fetch(`${identity.urls.authz}/oauth2/v1/jwks`);
    const tookMs = performance.now() - startedMs;
    for (const { status, body, headers, text } of answers) {
      strictEqual(status, 503, text);
      strictEqual(body.error, "temporarily_unavailable");
      match(headers.get("retry-after") ?? "", /^\d+$/);
    }
    strictEqual(page.status, 503);
    match(page.headers.get("retry-after") ?? "", /^\d+$/);
    match(page.text, /try again in a moment/);
    strictEqual(keys.status, 200, "the keys at hand are enough");
    await keys.body?.cancel();
    ok(tookMs < 2 * ANSWER_MS, `${tookMs} ms`);

    if (fault === "frozen") {
      for (const pid of frozen) Deno.kill(pid, "SIGCONT");
    } else await server.restart();

    for (const [path, body] of Object.entries(requests)) {
      await eventually(
        `${path} answers`,
        async () => (await ask(path, body)).status < 300,
        60_000,
      );
    }
    strictEqual((await refresh()).status, 200, "nothing was used up");
    const { body: state } = await ask("introspect", {
      token: first.access_token,
    });
    strictEqual(state.active, true);
  });
}
