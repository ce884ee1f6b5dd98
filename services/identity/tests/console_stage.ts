import { createPasswordHasher } from "@mainstay/adapters/passwords";
import axe, { type AxeResults } from "axe-core";
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import type { NewClient } from "../domain/client_store.ts";
import { anyClient } from "./arrange.ts";
import { type StartedIdentity, startIdentity } from "./start_identity.ts";

/** Who uses the console in a test. */
export const ADA = {
  username: "ada",
  name: "Ada Lovelace",
  email: "ada@example.org",
  password: "an engine of brass, 1843",
} as const;

/** All four servers with Ada's account, and a browser. */
export interface ConsoleStage extends AsyncDisposable {
  readonly identity: StartedIdentity;
  /** Stops one of the servers that can be stopped here. */
  stop(server: "authz" | "rs"): Promise<void>;
  start(server: "authz" | "rs"): Promise<void>;
  /** A tab of a browser that has nothing of any other's. */
  openTab(options?: BrowserContextOptions): Promise<ConsoleTab>;
}

/** A tab, and what was noticed in it. */
export interface ConsoleTab {
  readonly page: Page;
  /** Whatever the page's policy did not allow. */
  readonly violations: readonly string[];
  /** Errors that nobody caught. */
  readonly errors: readonly string[];
  /** Every token that the authorization server has given it. */
  readonly tokens: readonly string[];
}

/** What the console may ask for, as `up` registers it. */
function consoleClient(spaUrl: string): NewClient {
  return {
    ...anyClient,
    id: "console",
    name: "Mainstay console",
    authMethod: "none",
    grantTypes: ["authorization_code", "refresh_token"],
    redirectUris: [`${spaUrl}/callback`],
    postLogoutRedirectUris: [`${spaUrl}/`],
    scopes: [
      "openid",
      "profile",
      "email",
      "offline_access",
      "account",
      "read:resource",
      "write:resource",
      "delete:resource",
    ],
    firstParty: true,
  };
}

/**
 * Sets the stage.
 *
 * @param executablePath Of a Chromium.
 * @param env Beside what {@link startIdentity} sets.
 */
export async function setConsoleStage(
  executablePath: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ConsoleStage> {
  await using set = new AsyncDisposableStack();
  const identity = set.use(
    await startIdentity({ servers: ["idp", "spa"], env }),
  );
  const { storage, urls } = identity;
  const running = new Map<string, AsyncDisposable>();
  set.defer(async () => {
    for (const server of running.values()) await server[Symbol.asyncDispose]();
  });
  const start = async (name: "authz" | "rs") =>
    void running.set(name, await identity.startServer(name));
  await start("authz");
  await start("rs");
  await storage.clients.create(consoleClient(urls.spa));
  const hasher = createPasswordHasher({ threads: 1 });
  set.defer(() => hasher.close());
  await storage.users.create({
    username: ADA.username,
    name: ADA.name,
    email: ADA.email,
    emailVerified: true,
    passwordHash: await hasher.hash(ADA.password),
  });
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  set.defer(() => browser.close());
  const owned = set.move();
  return {
    identity,
    start,
    async stop(name) {
      await running.get(name)?.[Symbol.asyncDispose]();
      running.delete(name);
    },
    openTab: (options) => openTab(browser, options),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function openTab(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<ConsoleTab> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const violations: string[] = [];
  const errors: string[] = [];
  const tokens: string[] = [];
  page.on("console", (message) => {
    if (/content security policy|trusted/i.test(message.text())) {
      violations.push(message.text());
    }
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("response", async (response) => {
    if (!response.url().endsWith("/oauth2/v1/token") || !response.ok()) return;
    if (response.request().method() !== "POST") return;
    const body = await response.json().catch(() => ({}));
    for (const name of ["access_token", "refresh_token", "id_token"]) {
      if (typeof body[name] === "string") tokens.push(body[name]);
    }
  });
  return { page, violations, errors, tokens };
}

/** Fills the identity provider's page, by keyboard. */
export async function signInAsAda(page: Page): Promise<void> {
  await page.getByLabel("Username or e-mail").fill(ADA.username);
  await page.getByLabel("Password", { exact: true }).fill(ADA.password);
  await page.keyboard.press("Enter");
}

/** What is wrong with a page for those who do not see it, or see it badly. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(axe.source);
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)} })`,
  );
  return violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`
  );
}

/** Everything that a page's origin has stored in the browser; its scripts see no cookie. */
export async function storedText({ page }: Pick<ConsoleTab, "page">) {
  return await page.evaluate<string>(`(async () => JSON.stringify({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
  }))()`);
}
