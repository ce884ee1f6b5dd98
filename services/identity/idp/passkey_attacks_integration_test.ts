/**
 * Passkeys, with an authenticator that would sign anything: what a browser
 * keeps from happening must not be all that keeps it from happening.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { addUser, signedInBrowser } from "../tests/accounts.ts";
import { Browser, readable, type ShownPage } from "../tests/browser.ts";
import {
  addPasskey,
  challengeOf,
  signInWithPasskey,
} from "../tests/passkeys.ts";
import {
  type Claims,
  SoftwareAuthenticator,
} from "../tests/software_authenticator.ts";
import { startIdentity } from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;

Deno.test("a passkey signs in: for this site, this browser, once, verified", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const user = await addUser(identity);
  const { browser } = await signedInBrowser(identity);
  const key = new SoftwareAuthenticator();
  const refused = ({ page }: { page: ShownPage }) => {
    strictEqual(page.status, 401);
    match(readable(page), /The passkey was not accepted/);
  };

  await t.step(
    "it is not made for another site, or without verification",
    async () => {
      for (
        const changes of [
          { origin: "https://evil.example" },
          { origin: `${identity.urls.idp}.evil.example` },
          { rpId: "evil.example" },
          { userVerified: false },
          { challenge: "A".repeat(43) },
          { type: "webauthn.get" },
        ]
      ) {
        const page = await addPasskey(identity, browser, key, changes);
        strictEqual(page.status, 400, JSON.stringify(changes));
      }
      strictEqual((await identity.storage.passkeys.list(user.id)).length, 0);
    },
  );
  await t.step("it is made, and signs in as two factors", async () => {
    match(
      readable(await addPasskey(identity, browser, key)),
      /The passkey is added.*A key/,
    );
    const { page } = await signInWithPasskey(identity, key);
    strictEqual(page.url.pathname, "/account");
    const sessions = await identity.storage.sessions.list(user.id);
    ok(sessions.some(({ acr, amr }) => acr === "2" && amr.includes("pop")));
  });
  await t.step("it is not added twice", async () => {
    strictEqual((await addPasskey(identity, browser, key)).status, 400);
  });
  for (
    const [what, changes] of Object.entries<Partial<Claims>>({
      "another origin": { origin: "https://evil.example" },
      "another port of this host": { origin: "http://localhost:1" },
      "another site": { rpId: "evil.example" },
      "no verification of the user": { userVerified: false },
      "another challenge": { challenge: "A".repeat(43) },
      "a registration": { type: "webauthn.create" },
    })
  ) {
    await t.step(`not for ${what}`, async () => {
      refused(await signInWithPasskey(identity, key, changes));
    });
  }
  await t.step("not with a counter that has not risen", async () => {
    const { page } = await signInWithPasskey(identity, key, { counter: 50 });
    strictEqual(page.url.pathname, "/account");
    for (const counter of [50, 49, 0]) {
      refused(await signInWithPasskey(identity, key, { counter }));
    }
    const { page: higher } = await signInWithPasskey(identity, key, {
      counter: 51,
    });
    strictEqual(higher.url.pathname, "/account");
  });
  await t.step("not a second time, nor in another browser", async () => {
    const { browser: own, login, response } = await signInWithPasskey(
      identity,
      key,
      {
        counter: 60,
      },
    );
    // The cookie of the challenge is gone; give it back, as a thief would.
    const again = await own.submit(login, { response }, {
      action: "/oidc/v1/login/passkey",
    });
    refused({ page: again });
    const other = new Browser();
    const page = await other.open(`${identity.urls.idp}/oidc/v1/login`);
    refused({
      page: await other.submit(page, { response }, {
        action: "/oidc/v1/login/passkey",
      }),
    });
  });
  await t.step("not with its challenge's cookie given back", async () => {
    const thief = new Browser();
    const login = await thief.open(`${identity.urls.idp}/oidc/v1/login`);
    const challenge = await challengeOf(
      thief,
      login,
      "/oidc/v1/login/passkey",
    );
    const kept = thief.cookies.get("mainstay_idp_passkey")!;
    const send = (counter: number) =>
      thief.submit(login, {
        response: key.get({
          challenge,
          origin: identity.urls.idp,
          rpId: "localhost",
          counter,
        }),
      }, { action: "/oidc/v1/login/passkey" });
    strictEqual((await send(70)).url.pathname, "/account");
    thief.cookies.set("mainstay_idp_passkey", kept);
    refused({ page: await send(71) });
  });
  await t.step("not another key, nor one that was removed", async () => {
    refused(await signInWithPasskey(identity, new SoftwareAuthenticator()));
    const page = await browser.open(`${identity.urls.idp}/account/passkeys`);
    await browser.submit(page, {}, { action: "/account/passkeys/remove" });
    refused(await signInWithPasskey(identity, key, { counter: 80 }));
  });
  await t.step("nor does nonsense", async () => {
    const other = new Browser();
    for (const response of ["", "{}", "null", "[]", '{"id":1}', "x"]) {
      const page = await other.open(`${identity.urls.idp}/oidc/v1/login`);
      await challengeOf(other, page, "/oidc/v1/login/passkey");
      refused({
        page: await other.submit(page, { response }, {
          action: "/oidc/v1/login/passkey",
        }),
      });
    }
  });
});
