/** The same requests to ours and to a certified server: the same class of answer, or a reason. */
import { deepStrictEqual as assertEquals, ok } from "node:assert/strict";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { addUser } from "./accounts.ts";
import { addClient } from "./arrange.ts";
import { Browser } from "./browser.ts";
import { authorizeParameters } from "./browser_trip.ts";
import { startOidcProvider } from "./oidc_provider.ts";
import { oracleRequests, type OracleSubject } from "./oracle_requests.ts";
import { type StartedIdentity, startIdentity } from "./start_identity.ts";

/** Where the two differ, and ours is as it should be; `docs/identity.md` says why. */
const DIFFERENCES: Readonly<
  Record<string, { readonly theirs: string; readonly ours: string }>
> = {
  "authorize: no redirect URI": { theirs: "sign-in", ours: "page 4xx" },
  "authorize: an unknown scope": {
    theirs: "sign-in",
    ours: "client invalid_scope",
  },
  "authorize: no scope": {
    theirs: "client invalid_request",
    ours: "client invalid_scope",
  },
  "authorize: response_mode fragment": {
    theirs: "sign-in",
    ours: "client invalid_request",
  },
  "authorize: an unknown response_mode": {
    theirs: "client unsupported_response_mode",
    ours: "client invalid_request",
  },
  "token: no client": {
    theirs: "4xx invalid_request",
    ours: "4xx invalid_client",
  },
  "introspect: no client": {
    theirs: "4xx invalid_request",
    ours: "4xx invalid_client",
  },
  "token: another method": { theirs: "2xx", ours: "4xx invalid_client" },
  "token: an unknown scope": { theirs: "2xx", ours: "4xx invalid_scope" },
  "token: a grant that the client has not": {
    theirs: "4xx invalid_request",
    ours: "4xx unauthorized_client",
  },
  "code: no verifier": {
    theirs: "4xx invalid_grant",
    ours: "4xx invalid_request",
  },
  "push: a request URI": {
    theirs: "4xx request_uri_not_supported",
    ours: "4xx invalid_request",
  },
  "userinfo: no token": { theirs: "4xx invalid_token", ours: "4xx" },
};

async function ours(identity: StartedIdentity): Promise<OracleSubject> {
  const { urls, storage } = identity;
  const user = await addUser(identity, "ann");
  const secrets: Record<string, string> = {};
  for (const id of ["app", "other", "limited"]) {
    secrets[id] = await addClient(identity, {
      id,
      redirectUris: [`https://${id}.example/cb`],
      firstParty: true,
      ...(id === "limited" && { grantTypes: ["authorization_code"] }),
    });
  }
  return {
    url: urls.authz,
    paths: {
      authorize: "/oauth2/v1/authorize",
      token: "/oauth2/v1/token",
      introspect: "/oauth2/v1/introspect",
      revoke: "/oauth2/v1/revoke",
      par: "/oauth2/v1/par",
      device: "/oauth2/v1/device_authorization",
    },
    userinfo: `${urls.idp}/oidc/v1/userinfo`,
    secrets,
    async signedIn() {
      const secret = newSecret();
      await storage.sessions.create({
        userId: user.id,
        authTime: new Date(),
        acr: "1",
        amr: ["pwd"],
        expiresAt: new Date(Date.now() + 3_600_000),
      }, hashSecret(secret));
      const browser = new Browser();
      browser.cookies.set("mainstay_idp", secret);
      return browser;
    },
  };
}

function theirs(url: string): OracleSubject {
  return {
    url,
    paths: {
      authorize: "/auth",
      token: "/token",
      introspect: "/token/introspection",
      revoke: "/token/revocation",
      par: "/request",
      device: "/device/auth",
    },
    userinfo: `${url}/me`,
    secrets: { app: "secret", other: "secret", limited: "secret" },
    async signedIn() {
      const browser = new Browser();
      const login = await browser.open(
        `${url}/auth?${new URLSearchParams(authorizeParameters)}`,
      );
      await browser.open(login.url, {
        method: "POST",
        fields: { prompt: "login", login: "ann" },
      });
      return browser;
    },
  };
}

Deno.test("ours answers as oidc-provider does, but where it must not", async () => {
  await using identity = await startIdentity({ servers: ["authz", "idp"] });
  await using provider = await startOidcProvider();
  const subjects = {
    theirs: theirs(provider.url),
    ours: await ours(identity),
  };
  const differences: Record<string, { theirs: string; ours: string }> = {
    "authorize: no redirect URI": { theirs: "sign-in", ours: "page 4xx" },
    "authorize: an unknown scope": {
      theirs: "sign-in",
      ours: "client invalid_scope",
    },
    "authorize: no scope": {
      theirs: "client invalid_request",
      ours: "client invalid_scope",
    },
    "authorize: response_mode fragment": {
      theirs: "sign-in",
      ours: "client invalid_request",
    },
    "authorize: an unknown response_mode": {
      theirs: "client unsupported_response_mode",
      ours: "client invalid_request",
    },
    "token: no client": {
      theirs: "4xx invalid_request",
      ours: "4xx invalid_client",
    },
    "introspect: no client": {
      theirs: "4xx invalid_request",
      ours: "4xx invalid_client",
    },
    "token: another method": { theirs: "2xx", ours: "4xx invalid_client" },
    "token: an unknown scope": { theirs: "2xx", ours: "4xx invalid_scope" },
    "token: a grant that the client has not": {
      theirs: "4xx invalid_request",
      ours: "4xx unauthorized_client",
    },
    "code: no verifier": {
      theirs: "4xx invalid_grant",
      ours: "4xx invalid_request",
    },
    "push: a request URI": {
      theirs: "4xx request_uri_not_supported",
      ours: "4xx invalid_request",
    },
    "userinfo: no token": { theirs: "4xx invalid_token", ours: "4xx" },
  };
  for (const { name, ask } of oracleRequests) {
    const [their, our] = [
      await ask(subjects.theirs),
      await ask(subjects.ours),
    ];
    if (their !== our) differences[name] = { theirs: their, ours: our };
  }

  assertEquals(differences, DIFFERENCES);
  const page = await Deno.readTextFile("docs/identity.md");
  for (const name of Object.keys(DIFFERENCES)) {
    ok(
      page.includes(`| ${name} `),
      `docs/identity.md does not explain ${name}`,
    );
  }
});
