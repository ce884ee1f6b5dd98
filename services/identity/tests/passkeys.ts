import { strictEqual } from "node:assert/strict";
import { Browser, formOf, type ShownPage } from "./browser.ts";
import type {
  Claims,
  SoftwareAuthenticator,
} from "./software_authenticator.ts";
import type { StartedIdentity } from "./start_identity.ts";

type Urls = Pick<StartedIdentity, "urls">;

/** What the page's script does: fetches options, and gives their challenge. */
export async function challengeOf(
  browser: Browser,
  page: ShownPage,
  path: string,
): Promise<string> {
  const { csrf } = formOf(page, path).fields;
  const answer = await browser.open(new URL(`${path}/options`, page.url), {
    method: "POST",
    fields: { csrf: csrf! },
    headers: { origin: page.url.origin, "sec-fetch-site": "same-origin" },
    follow: false,
  });
  strictEqual(answer.status, 200, answer.text);
  return JSON.parse(answer.text).challenge;
}

/** Makes a passkey for the account of a browser; returns what sends it. */
export async function preparePasskey(
  { urls }: Urls,
  browser: Browser,
  key: SoftwareAuthenticator,
  changes: Partial<Claims> = {},
): Promise<() => Promise<ShownPage>> {
  const page = await browser.open(`${urls.idp}/account/passkeys`);
  const challenge = await challengeOf(browser, page, "/account/passkeys");
  const response = key.create({
    challenge,
    origin: urls.idp,
    rpId: "localhost",
    ...changes,
  });
  return () =>
    browser.submit(page, { response, name: "A key" }, {
      action: "/account/passkeys",
    });
}

/** Adds a passkey to the account of a browser. */
export async function addPasskey(
  identity: Urls,
  browser: Browser,
  key: SoftwareAuthenticator,
  changes: Partial<Claims> = {},
): Promise<ShownPage> {
  const send = await preparePasskey(identity, browser, key, changes);
  return await send();
}

/** Signs in with a passkey: by a page that a browser shows, or in one of its own. */
export async function signInWithPasskey(
  { urls }: Urls,
  key: SoftwareAuthenticator,
  { browser = new Browser(), login, ...changes }: Partial<Claims> & {
    readonly browser?: Browser;
    readonly login?: ShownPage;
  } = {},
): Promise<
  {
    readonly browser: Browser;
    readonly login: ShownPage;
    readonly response: string;
    readonly page: ShownPage;
  }
> {
  const shown = login ?? await browser.open(`${urls.idp}/oidc/v1/login`);
  const challenge = await challengeOf(browser, shown, "/oidc/v1/login/passkey");
  const response = key.get({
    challenge,
    origin: urls.idp,
    rpId: "localhost",
    ...changes,
  });
  const page = await browser.submit(shown, { response }, {
    action: "/oidc/v1/login/passkey",
  });
  return { browser, login: shown, response, page };
}
