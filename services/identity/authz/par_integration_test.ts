import { ok, strictEqual } from "node:assert/strict";
import { addClient } from "../tests/arrange.ts";
import {
  parametersWith,
  postForm,
  visitAuthorize,
} from "../tests/browser_trip.ts";
import { startIdentity } from "../tests/start_identity.ts";

Deno.test("a pushed request is good once, for its client", async (t) => {
  await using identity = await startIdentity({ servers: ["authz"] });
  const { urls, postgres } = identity;
  const secret = await addClient(identity, { requirePar: true });
  const otherSecret = await addClient(identity, { id: "other" });
  const push = (
    changes: Record<string, string | undefined> = {},
    credentials: Record<string, string> = {
      client_id: "app",
      client_secret: secret,
    },
  ) =>
    postForm(identity, "par", parametersWith({ ...changes, ...credentials }));
  const pushed = async () => {
    const { status, body, text } = await push({ login_hint: "ann" });
    strictEqual(status, 201, text);
    strictEqual(body.expires_in, 90);
    return body.request_uri as string;
  };
  const visit = (request_uri: string, client_id = "app") =>
    visitAuthorize(
      identity,
      new URLSearchParams({ client_id, request_uri }),
    );

  await t.step("the browser carries the handle alone", async () => {
    const uri = await pushed();
    const { location } = await visit(uri);
    strictEqual(location?.origin, urls.idp);
    const { rows: [row] } = await postgres.query<
      { readonly parameters: Record<string, unknown> }
    >("SELECT parameters FROM authorization_requests");
    strictEqual(row?.parameters.loginHint, "ann");
    strictEqual(row?.parameters.state, "a state");
    strictEqual((await visit(uri)).status, 400, "used before");
  });
  await t.step("it is no longer than a browser's may be", async () => {
    const long = await push({ login_hint: "a".repeat(16_384) });
    strictEqual(long.status, 413, long.text);
  });
  await t.step("of 20 uses at once one succeeds", async () => {
    const uri = await pushed();
    const visits = await Promise.all(
      Array.from({ length: 20 }, () => visit(uri)),
    );
    strictEqual(visits.filter(({ status }) => status === 303).length, 1);
  });
  await t.step("no other client can use it", async () => {
    const uri = await pushed();
    const { status, location } = await visit(uri, "other");
    strictEqual(status, 400);
    strictEqual(location, undefined);
    strictEqual((await visit(uri)).status, 303, "it is good yet");
  });
  await t.step("nothing in the browser's request changes it", async () => {
    const uri = await pushed();
    const { location } = await visitAuthorize(
      identity,
      parametersWith({
        request_uri: uri,
        redirect_uri: "https://evil.example/cb",
        scope: "openid admin",
      }),
    );
    strictEqual(location?.origin, urls.idp);
  });
  await t.step("it expires", async () => {
    const uri = await pushed();
    await postgres.query("UPDATE pushed_requests SET expires_at = now()");
    strictEqual((await visit(uri)).status, 400);
  });

  const wrong: Record<string, Record<string, string | undefined>> = {
    invalid_client: { client_secret: "wrong" },
    invalid_scope: { scope: "openid admin" },
    unsupported_response_type: { response_type: "token" },
    invalid_target: { resource: "https://other.example" },
  };
  for (const [error, changes] of Object.entries(wrong)) {
    await t.step(`refused: ${error}`, async () => {
      const { status, body } = await push(changes, {
        client_id: "app",
        client_secret: changes.client_secret ?? secret,
      });
      strictEqual(status, error === "invalid_client" ? 401 : 400);
      strictEqual(body.error, error);
    });
  }
  const invalid: Record<string, Record<string, string | undefined>> = {
    "no redirect URI": { redirect_uri: undefined },
    "another redirect URI": { redirect_uri: "https://app.example/cb/" },
    "a request within": { request_uri: "urn:x" },
    "no challenge": { code_challenge: undefined },
  };
  for (const [name, changes] of Object.entries(invalid)) {
    await t.step(`refused: ${name}`, async () => {
      strictEqual((await push(changes)).body.error, "invalid_request");
    });
  }
  await t.step("another client's name is refused", async () => {
    const basic = `Basic ${btoa(`other:${otherSecret}`)}`;
    const { body } = await postForm(identity, "par", parametersWith({}), {
      authorization: basic,
    });
    ok(["invalid_request", "invalid_client"].includes(body.error));
  });
});
