/** The console in a real browser, over the four servers. */
import {
  deepStrictEqual as assertEquals,
  match,
  ok as assert,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { findChromium } from "@mainstay/tools/local_stack";
import type { Page } from "playwright-core";
import {
  accessibilityFaults,
  ADA,
  type ConsoleStage,
  setConsoleStage,
  signInAsAda,
  storedText,
} from "../tests/console_stage.ts";

const chromium = await findChromium();

/** Playwright's own sockets and timers outlive a step. */
function browserTest(
  name: string,
  env: Readonly<Record<string, string>>,
  run: (stage: ConsoleStage) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: chromium === undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using stage = await setConsoleStage(chromium!, env);
      await run(stage);
    },
  });
}

const heading = (page: Page, name: string) =>
  page.getByRole("heading", { name, level: 1, exact: true });

async function enter(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await signInAsAda(page);
}

async function goTo(page: Page, name: string): Promise<void> {
  await follow(page, name);
  await heading(page, name).waitFor();
}

/** Wherever that leads. */
async function follow(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name }).click();
}

browserTest(
  "a person signs in by keyboard, keeps resources, and signs out; no token is stored, and the policy holds",
  {},
  async ({ identity, openTab }) => {
    const { urls } = identity;
    const tab = await openTab();
    const { page } = tab;

    await page.goto(urls.spa);
    await heading(page, "Sign in").waitFor();
    // The first stop is the way past the menu, the sixth the button.
    await page.keyboard.press("Tab");
    strictEqual(
      await page.locator(":focus").textContent(),
      "Skip to the content",
    );
    await page.getByRole("main").getByRole("button", { name: "Sign in" })
      .focus();
    await page.keyboard.press("Enter");
    await signInAsAda(page);
    await page.getByRole("heading", { name: ADA.name }).waitFor();
    strictEqual(new URL(page.url()).href, `${urls.spa}/`);
    await page.getByText(ADA.email).waitFor();

    // Who does not see the page hears what it has become.
    await goTo(page, "Resources");
    await eventually(
      "the heading has the focus",
      async () => await page.locator(":focus").textContent() === "Resources",
    );
    strictEqual(await page.title(), "Resources · Mainstay");
    strictEqual(
      await page.getByRole("link", { name: "Resources" })
        .getAttribute("aria-current"),
      "page",
    );

    await page.getByText("Nothing here yet.").waitFor();
    await page.getByRole("button", { name: "Create" }).click();
    const name = page.getByLabel("Name");
    await page.getByText("Expected 1 to 200 characters").first().waitFor();
    strictEqual(await name.getAttribute("aria-invalid"), "true");
    await name.fill("First");
    await page.getByLabel("Content").fill("<img src=x onerror=alert(1)>\ntwo");
    await name.press("Enter");
    await page.getByRole("heading", { name: "First" }).waitFor();
    strictEqual(await name.inputValue(), "");
    strictEqual(await page.locator("main img").count(), 0);
    await page.getByRole("button", { name: "Delete First" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" })
      .click();
    await page.getByText("Nothing here yet.").waitFor();

    // Back and forward are the browser's own.
    await page.goBack();
    await heading(page, "Account").waitFor();
    await page.goForward();
    await heading(page, "Resources").waitFor();

    // A reload shows the same page again, and none of the identity provider's.
    await page.reload();
    await heading(page, "Resources").waitFor();
    await page.getByText("Nothing here yet.").waitFor();

    await page.goto(`${urls.spa}/nowhere`);
    await heading(page, "Not found").waitFor();
    await page.getByRole("link", { name: "Go to your account" }).click();
    await page.getByRole("heading", { name: ADA.name }).waitFor();
    await goTo(page, "Resources");

    assert(tab.tokens.length >= 6);
    const stored = await storedText(tab);
    for (const token of tab.tokens) assert(!stored.includes(token), stored);
    assert(!/eyJ|[A-Za-z0-9_-]{40}/.test(stored), stored);
    assertEquals(await page.evaluate("document.cookie"), "");

    // The policy is in force: what it forbids does not run.
    assertEquals(tab.violations, []);
    await rejects(page.addScriptTag({ content: "window.ran = 1" }));
    await rejects(page.addStyleTag({ content: "* { color: red }" }));
    // In a task of the page's own: the debugger's may make code from text.
    const attempt = (act: string) =>
      page.evaluate<string>(
        `new Promise((resolve) => setTimeout(() => {
          try { ${act}; resolve("done"); } catch (e) { resolve(e.name); }
        }))`,
      );
    match(await attempt('new Function("return 1")'), /EvalError|TypeError/);
    strictEqual(await attempt('document.body.innerHTML = "<p>"'), "TypeError");

    await page.getByRole("button", { name: "Sign out" }).click();
    await heading(page, "Sign in").waitFor();
    await page.reload();
    await heading(page, "Sign in").waitFor();
    await page.getByRole("main").getByRole("button", { name: "Sign in" })
      .click();
    await page.getByLabel("Password", { exact: true }).waitFor();
    assertEquals(tab.errors, []);
  },
);

browserTest(
  "what fails is said in a sentence with a way to try again, and nothing is lost",
  { ACCESS_TOKEN_LIFETIME: "12s", STATUS_INTERVAL: "200ms" },
  async ({ identity, openTab, start, stop }) => {
    const { urls, postgres } = identity;
    const tab = await openTab();
    const { page } = tab;
    await enter(page, `${urls.spa}/resources`);
    await heading(page, "Resources").waitFor();
    await page.getByText("Nothing here yet.").waitFor();

    // The resource server is gone while something is being written.
    await stop("rs");
    await page.getByLabel("Name").fill("Kept");
    await page.getByRole("button", { name: "Create" }).click();
    const notice = page.getByRole("alert");
    await notice.getByText("the resource server cannot be reached").waitFor();
    strictEqual(await page.getByLabel("Name").inputValue(), "Kept");
    await goTo(page, "Status");
    await notice.getByText("Cannot show the status").waitFor();
    await goTo(page, "Resources");
    strictEqual(await page.getByLabel("Name").inputValue(), "Kept");
    await start("rs");
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.getByText("Nothing here yet.").waitFor();
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "Kept" }).waitFor();

    // The first answer is lost on its way: the repeat stores nothing twice.
    await page.route("**/protected/resource", async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await page.getByLabel("Name").fill("Once");
    await page.getByRole("button", { name: "Create" }).click();
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: "Once" }).waitFor();
    const { rows } = await postgres.query("SELECT name FROM resources");
    assertEquals(rows.map((row) => row["name"]).toSorted(), ["Kept", "Once"]);

    // The authorization server is gone when the token has to be renewed.
    const before = tab.tokens.length;
    await eventually(
      "the token is renewed by itself",
      () => tab.tokens.length > before,
      20_000,
    );
    await stop("authz");
    await page.getByText("The sign-in server cannot be reached. You stay")
      .waitFor({ timeout: 30_000 });
    // The status says it too, and when it is over.
    await goTo(page, "Status");
    await page.getByText("Authorization server is down").first().waitFor();
    await start("authz");
    await page.getByText("Authorization server is down").first()
      .waitFor({ state: "hidden", timeout: 30_000 });
    await page.getByText("You stay signed in; the console keeps trying")
      .waitFor({ state: "hidden", timeout: 40_000 });
    await goTo(page, "Resources");
    await page.getByRole("heading", { name: "Once" }).waitFor();

    // The sign-in is ended elsewhere: what was typed outlives the next one.
    await page.getByLabel("Name").fill("Draft");
    await postgres.query("UPDATE tokens SET revoked_at = now()");
    await postgres.query("UPDATE grants SET revoked_at = now()");
    await page.getByText("Your sign-in has ended").first()
      .waitFor({ timeout: 30_000 });
    await page.getByRole("main").getByRole("button", { name: "Sign in" })
      .click();
    await heading(page, "Resources").waitFor();
    strictEqual(await page.getByLabel("Name").inputValue(), "Draft");
    assertEquals([tab.errors, tab.violations], [[], []]);
  },
);

browserTest(
  "a person signs out of another browser, and everywhere",
  {},
  async ({ identity, openTab }) => {
    const { urls } = identity;
    const here = await openTab();
    const there = await openTab({
      userAgent:
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
    });
    for (const { page } of [there, here]) {
      await enter(page, `${urls.spa}/sessions`);
      await page.getByText("this one", { exact: true }).waitFor();
    }

    await here.page.getByRole("button", {
      name: "Sign out of Safari on iPhone",
    })
      .click();
    await here.page.getByRole("heading", { name: "Safari on iPhone" })
      .waitFor({ state: "detached" });
    await follow(there.page, "Resources");
    await there.page.getByText("Your sign-in has ended").first().waitFor();

    await enter(there.page, `${urls.spa}/sessions`);
    await there.page.getByRole("button", { name: "Sign out everywhere" })
      .click();
    await there.page.getByRole("dialog")
      .getByRole("button", { name: "Cancel" }).press("Escape");
    await there.page.getByRole("dialog").waitFor({ state: "hidden" });
    await there.page.getByRole("button", { name: "Sign out everywhere" })
      .click();
    await there.page.getByRole("dialog")
      .getByRole("button", { name: "Sign out everywhere" }).click();
    await there.page.getByText("You are signed out everywhere").waitFor();
    await follow(here.page, "Resources");
    await here.page.getByText("Your sign-in has ended").first().waitFor();
    assertEquals(
      [here.errors, there.errors, here.violations, there.violations].flat(),
      [],
    );
  },
);

browserTest(
  "every page can be used without seeing it, by bad eyes, and on a phone",
  {},
  async ({ identity, openTab }) => {
    const { urls } = identity;
    const looks = [
      { viewport: { width: 1_200, height: 800 }, colorScheme: "light" },
      { viewport: { width: 360, height: 640 }, colorScheme: "dark" },
    ] as const;
    for (const look of looks) {
      const { page } = await openTab({
        ...look,
        reducedMotion: "reduce",
        isMobile: look.viewport.width < 500,
      });
      const inspect = async (what: string) => {
        assertEquals(await accessibilityFaults(page), [], what);
        const overflow = await page.evaluate<number>(
          "document.documentElement.scrollWidth - innerWidth",
        );
        assert(overflow <= 0, `${what} is ${overflow} pixels too wide`);
      };
      await page.goto(urls.spa);
      await heading(page, "Sign in").waitFor();
      await inspect("signed out");
      await enter(page, `${urls.spa}/resources`);
      await heading(page, "Resources").waitFor();
      await page.getByLabel("Name").fill("word".repeat(50));
      await page.getByRole("button", { name: "Create" }).click();
      await page.getByRole("button", { name: /^Delete word/ }).first()
        .waitFor();
      await inspect("resources");
      await goTo(page, "Account");
      await page.getByText(ADA.email).waitFor();
      await inspect("account");
      await goTo(page, "Sessions");
      await page.getByText("this one", { exact: true }).waitFor();
      await inspect("sessions");
      await page.getByRole("button", { name: "Sign out everywhere" }).click();
      await inspect("the dialog");
      await page.keyboard.press("Escape");
      await goTo(page, "Status");
      await page.getByRole("heading", { name: /^Resource server/ }).waitFor();
      await inspect("status");
      await page.goto(`${urls.spa}/status`);
    }
  },
);
