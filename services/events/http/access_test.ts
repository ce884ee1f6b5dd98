import { strictEqual, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { HttpError, Unauthorized } from "@mainstay/adapters/http";
import { parseApiKey } from "../domain/api_key.ts";
import { type Access, createAccess } from "./access.ts";

const sha256 = (key: string) => createHash("sha256").update(key).digest("hex");
const keyed = createAccess({
  apiKeys: [
    parseApiKey(`billing=${sha256("billing-key")}:publish`),
    parseApiKey(`ops=${sha256("ops-key")}:publish+read+admin`),
  ],
});
const keyless = createAccess({ apiKeys: [] });

function ask(access: Access, headers: Record<string, string>, from: {
  readonly peer?: string;
  readonly client?: string;
  readonly host?: string;
} = {}) {
  const { peer = "127.0.0.1", client = peer, host = "localhost:8000" } = from;
  return access.authorize({ headers: new Headers(headers) }, {
    url: new URL(`http://${host}/events`),
    peerAddress: peer,
    clientAddress: client,
  }, "events:publish");
}

const isForbidden = (state: RegExp) => (error: unknown) =>
  error instanceof HttpError && error.code === "forbidden" &&
  state.test(error.message);

Deno.test("authorize() knows a key in either header", () => {
  const given = [
    { authorization: "Bearer ops-key" },
    { authorization: "bearer  ops-key" },
    { "x-api-key": "ops-key" },
  ];
  for (const headers of given) {
    strictEqual((ask(keyed, headers) as { name: string }).name, "ops");
  }
});

Deno.test("authorize() answers 401 with a challenge without a good key", () => {
  const given: Array<Record<string, string>> = [
    {},
    { authorization: "Bearer wrong" },
    { authorization: "Basic b3BzOm9wcy1rZXk=" },
    { authorization: "Bearer ops-key, Bearer ops-key" },
    { authorization: "Bearer wrong", "x-api-key": "ops-key" },
    { "x-api-key": sha256("ops-key") },
    { "x-api-key": "" },
  ];
  for (const headers of given) {
    throws(
      () => ask(keyed, headers),
      (error) =>
        error instanceof Unauthorized &&
        /^Bearer/.test(error.headers["www-authenticate"] ?? ""),
    );
  }
});

Deno.test("authorize() names the scope that is missing", () => {
  const headers = new Headers({ "x-api-key": "billing-key" });
  throws(() =>
    keyed.authorize({ headers }, {
      url: new URL("http://localhost/"),
      peerAddress: "127.0.0.1",
      clientAddress: "127.0.0.1",
    }, "events:admin"), isForbidden(/scope events:admin/));
});

Deno.test("authorize() does not trust loopback once a key is configured", () => {
  throws(() => ask(keyed, {}), Unauthorized);
});

Deno.test("authorize() without keys lets this machine's programs ask", () => {
  const hosts = [
    "localhost:8000",
    "127.0.0.1:8000",
    "[::1]:8000",
    "a.localhost",
  ];
  for (const host of hosts) {
    strictEqual((ask(keyless, {}, { host }) as { name: string }).name, "local");
  }
  ask(keyless, {}, { peer: "::1" });
  ask(keyless, {
    "origin": "http://localhost:8000",
    "sec-fetch-site": "same-origin",
  });
});

Deno.test("authorize() without keys refuses other machines and proxies", () => {
  throws(
    () => ask(keyless, {}, { peer: "192.0.2.1" }),
    isForbidden(/machine.*API_KEYS/),
  );
  throws(
    () => ask(keyless, {}, { client: "192.0.2.1" }),
    isForbidden(/another machine/),
  );
  for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    throws(() => ask(keyless, { [name]: "127.0.0.1" }), isForbidden(/proxy/));
  }
});

Deno.test("authorize() without keys refuses web pages of other origins", () => {
  throws(
    () => ask(keyless, { origin: "https://evil.example" }),
    isForbidden(/web page/),
  );
  throws(() => ask(keyless, { origin: "null" }), isForbidden(/web page/));
  throws(
    () => ask(keyless, { origin: "http://localhost:9999" }),
    isForbidden(/web page/),
  );
  throws(
    () => ask(keyless, { "sec-fetch-site": "cross-site" }),
    isForbidden(/web page/),
  );
  // DNS rebinding: the page's own name points at 127.0.0.1.
  throws(
    () =>
      ask(keyless, { origin: "http://evil.example" }, { host: "evil.example" }),
    isForbidden(/loopback name/),
  );
});

Deno.test("authorize() hands only things like tokens to the token check", async () => {
  const seen: string[] = [];
  const access = createAccess({
    apiKeys: [parseApiKey(`ops=${sha256("ops-key")}`)],
    verifyToken: (token) => {
      seen.push(token);
      return Promise.resolve({ name: "app", scopes: ["events:publish"] });
    },
  });
  await ask(access, { authorization: "Bearer a.b.c" });
  ask(access, { authorization: "Bearer ops-key" });
  strictEqual(seen.join(), "a.b.c");
});

Deno.test("identify() tells whose key it is", () => {
  const headers = new Headers({ "x-api-key": "billing-key" });
  strictEqual(keyed.identify({ headers }), "billing");
  strictEqual(keyed.identify({ headers: new Headers() }), undefined);
});

Deno.test("authorize() lets this machine's programs in without credentials where that is said", async () => {
  const access = createAccess({
    apiKeys: [parseApiKey(`ops=${sha256("ops-key")}`)],
    local: true,
  });
  strictEqual((await ask(access, {})).name, "local");
  strictEqual((await ask(access, { "x-api-key": "ops-key" })).name, "ops");
  throws(() => ask(access, { "x-api-key": "wrong" }), Unauthorized);
  throws(() => ask(access, { authorization: "Basic eDp5" }), Unauthorized);
  throws(
    () => ask(access, {}, { peer: "192.0.2.1" }),
    isForbidden(/another machine/),
  );
  throws(
    () => ask(access, { "x-forwarded-for": "192.0.2.1" }),
    isForbidden(/through a proxy/),
  );
});
