import {
  deepStrictEqual as assertEquals,
  strictEqual,
  throws,
} from "node:assert/strict";
import { InvalidInput } from "@mainstay/kernel/errors";
import { type ClientDescription, newClientOf } from "./client_rules.ts";

const make = (description: Partial<ClientDescription>) =>
  newClientOf(
    {
      name: "App",
      grantTypes: ["authorization_code"],
      redirectUris: ["https://app.example/cb"],
      ...description,
    },
    () => "random",
  );

function mistakesOf(description: Partial<ClientDescription>) {
  try {
    make(description);
  } catch (failure) {
    if (!(failure instanceof InvalidInput)) throw failure;
    return Object.fromEntries(
      failure.errors.map(({ pointer, detail }) => [pointer, detail]),
    );
  }
  return {};
}

Deno.test("newClientOf() fills in what is not said, on the safe side", () => {
  assertEquals(make({ scopes: ["openid", "openid"] }), {
    id: "random",
    name: "App",
    authMethod: "client_secret_basic",
    grantTypes: ["authorization_code"],
    redirectUris: ["https://app.example/cb"],
    postLogoutRedirectUris: [],
    scopes: ["openid"],
    audiences: [],
    firstParty: false,
    accessTokenAlg: "EdDSA",
    idTokenAlg: "EdDSA",
    requirePar: false,
    dpopBound: false,
    mayIntrospect: false,
  });
});

Deno.test("newClientOf() names all mistakes at once", () => {
  const mistakes = mistakesOf({
    name: "",
    authMethod: "client_secret_basick",
    grantTypes: ["client-credentials"],
    redirectUris: ["https://app.example/cb#x", "http://app.example/cb"],
    scopes: ["openId", "a b"],
  });
  assertEquals(mistakes, {
    "/name":
      "must be 1 to 200 characters on one line; people see it when they agree",
    "/authMethod": "is unknown: did you mean client_secret_basic?",
    "/grantTypes/0": "is unknown: did you mean client_credentials?",
    "/redirectUris/0": "has a fragment",
    "/redirectUris/1": "is not https; only this machine may be without",
    "/scopes/0":
      "is unknown: did you mean openid?; or name the audience that knows it",
    "/scopes/1": 'must be one scope: visible ASCII, without a space, " or \\',
  });
});

for (
  const [what, description, pointer] of [
    [
      "a fragment",
      { redirectUris: ["https://a.example/#x"] },
      "/redirectUris/0",
    ],
    [
      "javascript",
      { redirectUris: ["javascript:alert(1)"] },
      "/redirectUris/0",
    ],
    ["a user", { redirectUris: ["https://u@a.example/"] }, "/redirectUris/0"],
    [
      "a wildcard",
      { redirectUris: ["https://*.a.example/"] },
      "/redirectUris/0",
    ],
    ["no redirect URI", { redirectUris: [] }, "/redirectUris"],
    ["no grant", { grantTypes: [], redirectUris: [] }, "/grantTypes"],
    ["password", { grantTypes: ["password"] }, "/grantTypes/0"],
    ["implicit", { grantTypes: ["implicit"] }, "/grantTypes/0"],
    [
      "credentials for none",
      {
        authMethod: "none",
        grantTypes: ["client_credentials"],
        redirectUris: [],
      },
      "/grantTypes",
    ],
    [
      "refreshing nothing",
      { grantTypes: ["client_credentials", "refresh_token"], redirectUris: [] },
      "/grantTypes",
    ],
    [
      "lasting access without refreshing",
      { scopes: ["offline_access"] },
      "/grantTypes",
    ],
    ["an unknown scope", { scopes: ["read:resorce"] }, "/scopes/0"],
    ["no keys", { authMethod: "private_key_jwt" }, "/jwks"],
    [
      "a private key",
      {
        authMethod: "private_key_jwt",
        jwks: { keys: [{ kty: "OKP", crv: "Ed25519", x: "x", d: "d" }] },
      },
      "/jwks/keys/0",
    ],
    [
      "a shared key",
      {
        authMethod: "private_key_jwt",
        jwks: { keys: [{ kty: "oct", k: "k" }] },
      },
      "/jwks/keys/0",
    ],
    [
      "two sources of keys",
      {
        authMethod: "private_key_jwt",
        jwks: { keys: [] },
        jwksUri: "https://a.example/jwks",
      },
      "/jwksUri",
    ],
    ["no subject", { authMethod: "tls_client_auth" }, "/tlsSubjectDn"],
    ["a stray subject", { tlsSubjectDn: "CN=a" }, "/tlsSubjectDn"],
    [
      "a public client that introspects",
      { authMethod: "none", mayIntrospect: true },
      "/mayIntrospect",
    ],
    [
      "a logout URI over http",
      { backchannelLogoutUri: "http://a.example/" },
      "/backchannelLogoutUri",
    ],
    [
      "a logout URI of an app",
      { backchannelLogoutUri: "com.example.app:/logout" },
      "/backchannelLogoutUri",
    ],
    ["an audience that is none", { audiences: ["api"] }, "/audiences/0"],
    [
      "two audiences in one",
      { audiences: ["https://a.example/x https://b.example"] },
      "/audiences/0",
    ],
    ["HS256", { idTokenAlg: "HS256" }, "/idTokenAlg"],
    ["alg none", { accessTokenAlg: "none" }, "/accessTokenAlg"],
    ["an id with a colon", { id: "a:b" }, "/id"],
    ["a name of two lines", { name: "a\nb" }, "/name"],
  ] as ReadonlyArray<[string, Partial<ClientDescription>, string]>
) {
  Deno.test(`newClientOf() refuses ${what}`, () => {
    assertEquals(Object.keys(mistakesOf(description)), [pointer]);
  });
}

Deno.test("newClientOf() takes other servers' scopes with their audience", () => {
  const { scopes } = make({
    scopes: ["orders:read"],
    audiences: ["https://orders.example"],
  });
  assertEquals(scopes, ["orders:read"]);
});

Deno.test("newClientOf() takes what native apps need", () => {
  for (
    const uri of [
      "http://127.0.0.1/cb",
      "http://[::1]:7000/cb",
      "http://localhost:5173/cb",
      "com.example.app:/cb",
    ]
  ) strictEqual(make({ redirectUris: [uri] }).redirectUris[0], uri);
  throws(() => make({ redirectUris: ["myapp:/cb"] }), InvalidInput);
});

Deno.test("what PostgreSQL cannot keep is a mistake, wherever it stands", () => {
  const key = { kty: "OKP", crv: "Ed25519", x: "x" };
  for (const text of ["a\0b", "a\ud800b"]) {
    for (
      const keys of [[{ ...key, kid: text }], [{ ...key, [text]: "x" }], [{
        ...key,
        x5c: [[text]],
      }]]
    ) {
      strictEqual(
        mistakesOf({ jwks: { keys } })["/jwks"],
        "must hold no NUL, and no half of a surrogate pair",
      );
    }
    strictEqual(
      mistakesOf({ authMethod: "tls_client_auth", tlsSubjectDn: `CN=${text}` })[
        "/tlsSubjectDn"
      ],
      "must hold no NUL, and no half of a surrogate pair",
    );
  }
  assertEquals(
    mistakesOf({ jwks: { keys: [{ ...key, kid: "\\u0000" }] } }),
    {},
  );
});
