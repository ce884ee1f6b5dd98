/**
 * What someone who knows the old password sends while the owner sets a new one.
 */
import { match, ok, strictEqual } from "node:assert/strict";
import { eventually } from "@mainstay/adapters/testing";
import { hashSecret, newSecret } from "../domain/bearer_secret.ts";
import { totpCode } from "../domain/totp.ts";
import {
  addTotp,
  addUser,
  PASSWORD,
  signedInBrowser,
  typePassword,
} from "../tests/accounts.ts";
import { Browser, readable, type ShownPage } from "../tests/browser.ts";
import { addPasskey, preparePasskey } from "../tests/passkeys.ts";
import { shownTotpSecret } from "../tests/shown_totp_secret.ts";
import { SoftwareAuthenticator } from "../tests/software_authenticator.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;
const EMAIL = "ann@example.com";

/**
 * Sends requests that change a user, one after the other, while the user is
 * held: they go on in that order once all have come as far as they get.
 */
async function inOrder(
  { postgres }: StartedIdentity,
  userId: string,
  requests: readonly (() => Promise<ShownPage>)[],
): Promise<ShownPage[]> {
  const sent: Promise<ShownPage>[] = [];
  await postgres.transaction(async (transaction) => {
    await transaction.query("SELECT FROM users WHERE id = $1 FOR UPDATE", [
      userId,
    ]);
    for (const request of requests) {
      let answered = false;
      const before = await waiting();
      sent.push(request().finally(() => answered = true));
      await eventually(
        "the request waits for the user, or needs not",
        async () => answered || await waiting() > before,
      );
    }
  });
  return await Promise.all(sent);

  async function waiting(): Promise<number> {
    const { rows } = await postgres.query<{ readonly count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity
       WHERE wait_event_type = 'Lock'`,
    );
    return rows[0]!.count;
  }
}

/** The owner opens a link of a mail; returns what sends the new password. */
async function resetOf(
  { storage, urls }: StartedIdentity,
  userId: string,
  password: string,
): Promise<() => Promise<ShownPage>> {
  const token = newSecret();
  await storage.links.add({
    purpose: "reset-password",
    userId,
    email: EMAIL,
    expiresAt: new Date(Date.now() + 3_600_000),
  }, hashSecret(token));
  const owner = new Browser();
  const page = await owner.open(
    `${urls.idp}/reset-password/new?token=${token}`,
  );
  return () => owner.submit(page, { password });
}

Deno.test("nothing that an older session sends outlives a new password", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const { users, totp, passkeys, recoveryCodes, links } = identity.storage;
  const { idp } = identity.urls;
  const { id } = await addUser(identity, "ann", { email: EMAIL });
  let password = PASSWORD;

  /** Prepares in the thief's browser, and sends once the owner has. */
  const overtaken = (
    what: string,
    prepare: (thief: Browser) => Promise<() => Promise<ShownPage>>,
    check: () => Promise<void>,
  ) =>
    t.step(what, async () => {
      const thief = new Browser();
      await typePassword(
        thief,
        await thief.open(`${idp}/account`),
        "ann",
        password,
      );
      const attack = await prepare(thief);
      const next = `five green trains ${newSecret()}`;
      const reset = await resetOf(identity, id, next);
      const [done, refused] = await inOrder(identity, id, [reset, attack]);
      match(readable(done!), /Your password is set/);
      strictEqual(refused?.status, 400, readable(refused!));
      match(readable(refused), /it has ended/);
      password = next;
      await check();
    });
  const submit =
    (path: string, fields: Record<string, string> = {}) =>
    async (thief: Browser, page = `/account/${path.split("/")[0]}`) => {
      const shown = await thief.open(`${idp}${page}`);
      return () => thief.submit(shown, fields, { action: `/account/${path}` });
    };

  await overtaken(
    "another new password",
    (thief) =>
      submit("password", {
        current: password,
        password: "the thief's own one",
      })(
        thief,
      ),
    async () => {
      const { account } = await signedIn(password);
      strictEqual(account.url.pathname, "/account");
    },
  );
  await overtaken("a new passkey", async (thief) => {
    const key = new SoftwareAuthenticator();
    return await preparePasskey(identity, thief, key);
  }, async () => strictEqual((await passkeys.list(id)).length, 0));
  await overtaken("a new authenticator app", async (thief) => {
    const page = await thief.open(`${idp}/account/authenticator`);
    const code = totpCode(
      shownTotpSecret(page),
      Math.floor(Date.now() / 30_000),
    );
    return () =>
      thief.submit(page, { code }, { action: "/account/authenticator" });
  }, async () => strictEqual(await totp.find(id), undefined));
  await overtaken("a new address", async (thief) => {
    const token = newSecret();
    await links.add({
      purpose: "verify-email",
      userId: id,
      email: "thief@example.com",
      expiresAt: new Date(Date.now() + 3_600_000),
    }, hashSecret(token));
    const page = await thief.open(`${idp}/verify-email?token=${token}`);
    return () => thief.submit(page);
  }, async () => strictEqual((await users.find(id))?.email, EMAIL));

  const { browser } = await signedIn(password);
  await addPasskey(identity, browser, new SoftwareAuthenticator());
  await overtaken(
    "the end of a passkey",
    submit("passkeys/remove"),
    async () => strictEqual((await passkeys.list(id)).length, 1),
  );
  const withTotp =
    (prepare: ReturnType<typeof submit>) => async (thief: Browser) => {
      await addTotp(identity, id);
      return await prepare(thief);
    };
  await overtaken(
    "the end of the authenticator app",
    withTotp(submit("authenticator/remove")),
    async () => ok(await totp.remove(id)),
  );
  await overtaken(
    "new recovery codes",
    withTotp(submit("recovery-codes")),
    async () => strictEqual(await recoveryCodes.countLeft(id), 0),
  );

  async function signedIn(word: string) {
    const browser = new Browser();
    const login = await browser.open(`${idp}/account`);
    return {
      browser,
      account: await typePassword(browser, login, "ann", word),
    };
  }
});

Deno.test("of two new passwords at once one is set, and the other is told", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const { id } = await addUser(identity, "ann", { email: EMAIL });
  const change = async (current: string, password: string) => {
    const browser = new Browser();
    const login = await browser.open(`${identity.urls.idp}/account/password`);
    const page = await typePassword(browser, login, "ann", current);
    return () =>
      browser.submit(page, { current, password }, {
        action: "/account/password",
      });
  };
  const second = "five green trains sang low";

  await t.step("from two sessions", async () => {
    const [done, told] = await inOrder(identity, id, [
      await change(PASSWORD, second),
      await change(PASSWORD, "six red trains sang low"),
    ]);
    strictEqual(done?.status, 200);
    strictEqual(told?.status, 400);
  });
  await t.step("from a session, and by mail", async () => {
    const reset = await resetOf(identity, id, "seven red trains sang low");
    const [done, told] = await inOrder(identity, id, [
      await change(second, "eight red trains sang low"),
      reset,
    ]);
    match(readable(done!), /Your password is changed/);
    match(readable(told!), /link does not work any more/);
  });
});

Deno.test("an authenticator app is set up by the session that was shown its secret, for a while", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const { totp } = identity.storage;
  const { idp } = identity.urls;
  const { id } = await addUser(identity, "ann");
  const { browser: owner } = await signedInBrowser(identity);
  const { browser: thief } = await signedInBrowser(identity);
  const open = (browser: Browser) =>
    browser.open(`${idp}/account/authenticator`);
  const codeOf = (page: ShownPage) =>
    totpCode(shownTotpSecret(page), Math.floor(Date.now() / 30_000));
  const setupOf = ({ text }: ShownPage) =>
    /name="setup" value="([^"]+)"/.exec(text)![1]!;
  const confirm = (
    browser: Browser,
    page: ShownPage,
    fields: Record<string, string> = {},
  ) => browser.submit(page, fields, { action: "/account/authenticator" });

  await t.step("nobody else has seen it", async () => {
    const [first, second] = await Promise.all([open(owner), open(thief)]);
    ok(codeOf(first) !== codeOf(second));
    strictEqual(await totp.find(id), undefined);
    const refused = await confirm(owner, first, {
      setup: setupOf(second),
      code: codeOf(second),
    });
    match(readable(refused), /open for too long/);
    strictEqual(await totp.find(id), undefined);
  });
  await t.step("a wrong code leaves it as it is", async () => {
    const page = await open(owner);
    const again = await confirm(owner, page, { code: "000000" });
    strictEqual(again.status, 400);
    strictEqual(codeOf(again), codeOf(page));
  });
  await t.step(
    "of two at once one is kept, with its recovery codes",
    async () => {
      const pages = await Promise.all([open(owner), open(thief)]);
      const answers = await inOrder(identity, id, [
        () => confirm(owner, pages[0], { code: codeOf(pages[0]) }),
        () => confirm(thief, pages[1], { code: codeOf(pages[1]) }),
      ]);
      match(readable(answers[0]!), /The app is set up/);
      ok(!readable(answers[1]!).includes("recovery codes"));
      const login = new Browser();
      const asked = await typePassword(
        login,
        await login.open(`${idp}/account`),
      );
      const next = totpCode(
        shownTotpSecret(pages[0]),
        Math.floor(Date.now() / 30_000) + 1,
      );
      const done = await login.submit(asked, { code: next });
      strictEqual(done.url.pathname, "/account");
    },
  );
});
