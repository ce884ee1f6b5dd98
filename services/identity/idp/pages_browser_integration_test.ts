/** The identity provider's pages in a real browser. */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { findChromium } from "@mainstay/tools/local_stack";
import type { Page } from "playwright-core";
import { addClient } from "../tests/arrange.ts";
import { authorizeUrl } from "../tests/accounts.ts";
import {
  accessibilityFaults,
  type ConsoleStage,
  setConsoleStage,
  signInAsAda,
} from "../tests/console_stage.ts";

const chromium = await findChromium();

/** Playwright's own sockets and timers outlive a step. */
function browserTest(
  name: string,
  run: (stage: ConsoleStage) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: chromium === undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using stage = await setConsoleStage(chromium!, { SIGN_UP: "true" });
      await run(stage);
    },
  });
}

/** A client's callback, which may send on to another origin. */
function serveCallback(answer: () => Response) {
  const server = Deno.serve(
    { hostname: "localhost", port: 0, onListen() {} },
    answer,
  );
  return {
    url: `http://localhost:${server.addr.port}/cb`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const click = (page: Page, name: string) =>
  page.getByRole("button", { name, exact: true }).click();

browserTest(
  "a passkey is made and used, and one without it is told",
  async ({ identity, openTab }) => {
    const { idp } = identity.urls;
    const { page, violations, errors } = await openTab();
    const debuggerOf = await page.context().newCDPSession(page);
    await debuggerOf.send("WebAuthn.enable");
    const { authenticatorId } = await debuggerOf.send(
      "WebAuthn.addVirtualAuthenticator",
      {
        options: {
          protocol: "ctap2",
          transport: "internal",
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      },
    );
    await page.goto(`${idp}/account/passkeys`);
    await signInAsAda(page);
    await page.getByLabel("Name of the new passkey").fill("This laptop");
    await click(page, "Add a passkey");
    await page.getByText("The passkey is added.").waitFor();
    await page.getByText("This laptop").waitFor();

    // The same authenticator has one for this site already.
    await page.getByLabel("Name of the new passkey").fill("Again");
    await click(page, "Add a passkey");
    await page.getByText("The passkey could not be used").waitFor();

    await page.goto(`${idp}/oidc/v1/logout`);
    await click(page, "Sign out");
    await page.getByText("You are signed out").waitFor();
    await page.goto(`${idp}/account`);
    await click(page, "Use a passkey");
    await page.getByRole("heading", { name: "Ada Lovelace" }).waitFor();
    const [user] = await identity.storage.users.list({ limit: 1 });
    const [session] = await identity.storage.sessions.list(user!.id);
    assertEquals([session?.acr, session?.amr], ["2", ["pop", "user", "mfa"]]);

    await debuggerOf.send("WebAuthn.setUserVerified", {
      authenticatorId,
      isUserVerified: false,
    });
    await page.context().clearCookies();
    await page.goto(`${idp}/account`);
    await click(page, "Use a passkey");
    await page.getByText("No passkey was used").waitFor();
    assertEquals([violations, errors], [[], []]);
  },
);

browserTest(
  "a sign-in works without scripts, and ends at a callback that sends on",
  async ({ identity, openTab }) => {
    await using second = serveCallback(() => new Response("Welcome"));
    await using first = serveCallback(() =>
      new Response(null, { status: 302, headers: { location: second.url } })
    );
    await addClient(identity, {
      name: "Acme Reports",
      redirectUris: [first.url, second.url],
    });
    const { page, violations } = await openTab({ javaScriptEnabled: false });
    const url = authorizeUrl(identity, { redirect_uri: first.url });

    await page.goto(url);
    strictEqual(
      await page.getByRole("button", { name: "Use a passkey" }).isVisible(),
      false,
    );
    await signInAsAda(page);
    await page.getByText("Allow Acme Reports?").waitFor();
    await click(page, "Allow");
    await page.getByText("Welcome").waitFor();
    strictEqual(page.url(), second.url);

    // From the password straight to the callback.
    await page.context().clearCookies();
    await page.goto(url);
    await signInAsAda(page);
    await page.getByText("Welcome").waitFor();
    assertEquals(violations, []);
  },
);

browserTest(
  "every page can be used by all: phone and desk, light and dark",
  async ({ identity, openTab }) => {
    await addClient(identity, { name: "Acme Reports" });
    const { idp } = identity.urls;
    const looks = [
      { viewport: { width: 360, height: 740 }, colorScheme: "light" },
      { viewport: { width: 1200, height: 800 }, colorScheme: "dark" },
    ] as const;
    for (const look of looks) {
      const { page, violations, errors } = await openTab(look);
      const judge = async (what: string) => {
        assertEquals(await accessibilityFaults(page), [], what);
        const overflow = await page.evaluate<number>(
          "document.documentElement.scrollWidth - innerWidth",
        );
        ok(overflow <= 0, `${what} is ${overflow} px too wide`);
        match(await page.title(), /– Mainstay$/);
      };
      await page.goto(authorizeUrl(identity));
      await judge("sign-in");
      await page.getByLabel("Username or e-mail").fill("ada");
      await page.getByLabel("Password", { exact: true }).fill("wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      await judge("sign-in with a mistake");
      await signInAsAda(page);
      await page.getByText("Allow Acme Reports?").waitFor();
      await judge("consent");
      for (
        const path of [
          ...["account", "account/password", "account/authenticator"],
          ...["account/passkeys", "oidc/v1/device", "oidc/v1/logout"],
          ...["sign-up", "reset-password", "reset-password/new", "nothing"],
        ]
      ) {
        await page.goto(`${idp}/${path}`);
        await judge(path);
      }
      await eventually("the policy is held to", () => violations.length === 0);
      assertEquals(errors, []);
    }
  },
);
