/**
 * Attacks by guessing and by asking twice: passwords, codes, who has an account.
 */
import {
  deepStrictEqual as assertEquals,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { bestOfThree, TooSlow } from "@mainstay/adapters/testing";
import { LIMITS, takeAttempt } from "../domain/attempt_guard.ts";
import { hashRecoveryCode } from "../domain/recovery_code.ts";
import {
  addTotp,
  addUser,
  PASSWORD,
  signedInBrowser,
  typePassword,
} from "../tests/accounts.ts";
import { addClient } from "../tests/arrange.ts";
import { Browser, readable, type ShownPage } from "../tests/browser.ts";
import { postForm } from "../tests/browser_trip.ts";
import {
  type StartedIdentity,
  startIdentity,
} from "../tests/start_identity.ts";

const SERVERS = ["authz", "idp"] as const;
const PROXIED = {
  servers: SERVERS,
  env: { TRUSTED_PROXIES: "127.0.0.0/8,::1" },
};

const openLogin = ({ urls }: StartedIdentity, browser: Browser) =>
  browser.open(`${urls.idp}/oidc/v1/login`);

/** Guesses once from an address, in a browser of its own. */
async function guess(
  identity: StartedIdentity,
  { username = "ann", password = "wrong", address = "192.0.2.1" } = {},
): Promise<ShownPage> {
  const browser = new Browser();
  const page = await openLogin(identity, browser);
  return await browser.submit(page, { username, password }, {
    action: "/oidc/v1/login",
    headers: { "x-forwarded-for": address },
  });
}

/** A page without what differs from one to the next. */
function plain(page: ShownPage, username: string): string {
  return page.text.replaceAll(/value="[A-Za-z0-9_-]{43}"/g, "")
    .replaceAll(username, "NAME");
}

Deno.test("a wrong password and an unknown user look alike, and take as long", async (t) => {
  await using identity = await startIdentity(PROXIED);
  const { users } = identity.storage;
  await addUser(identity, "ann", { email: "ann@example.com" });
  await addUser(identity, "off");
  const off = await users.findByLogin("off");
  await users.setDisabled(off!.id, true);
  await users.create({ username: "keys" });
  const forget = () => identity.postgres.query("DELETE FROM attempts");

  await t.step("by text and status", async () => {
    const known = await guess(identity);
    strictEqual(known.status, 401);
    for (const username of ["nobody", "off", "keys", "no@example.com"]) {
      const other = await guess(identity, { username });
      strictEqual(other.status, 401, username);
      strictEqual(plain(other, username), plain(known, "ann"), username);
    }
    const disabled = await guess(identity, {
      username: "off",
      password: PASSWORD,
    });
    strictEqual(plain(disabled, "off"), plain(known, "ann"));
  });
  await t.step("by time", async () => {
    await bestOfThree(async () => {
      const spent: Record<string, number> = { ann: 0, nobody: 0 };
      for (let i = 0; i < 12; i++) {
        for (const username of ["ann", "nobody"]) {
          const browser = new Browser();
          const page = await openLogin(identity, browser);
          await forget();
          const from = performance.now();
          await typePassword(browser, page, username, "wrong");
          spent[username]! += performance.now() - from;
        }
      }
      const ratio = spent.nobody! / spent.ann!;
      if (ratio < 0.7 || ratio > 1.4) throw new TooSlow(`${ratio}`);
    });
  });
  await t.step("also when too many have failed", async () => {
    await forget();
    const until = async (username: string) => {
      for (let i = 1; i < 30; i++) {
        const page = await guess(identity, {
          username,
          address: `198.51.100.${i}`,
        });
        if (page.status === 429) {
          // How long to wait depends on how fast this machine guesses.
          return readable(page).replace(/wait [^.]+/, "wait");
        }
      }
      throw new Error("Never blocked");
    };
    assertEquals(await until("ann"), await until("nobody"));
    const address = await guess(identity, {
      username: "ann@example.com",
      address: "198.51.100.99",
    });
    strictEqual(address.status, 401, "ann and the address are not linked");
  });
  await t.step("when a password is forgotten", async () => {
    const ask = async (username: string) => {
      const browser = new Browser();
      const page = await browser.open(`${identity.urls.idp}/reset-password`);
      const from = performance.now();
      const answer = await browser.submit(page, { username });
      return {
        text: answer.text,
        status: answer.status,
        ms: performance.now() - from,
      };
    };
    const known = await ask("ann");
    const unknown = await ask("nobody");
    strictEqual(known.text, unknown.text);
    strictEqual(known.status, unknown.status);
    ok(Math.min(known.ms, unknown.ms) >= 400);
    strictEqual((await identity.storage.mail.list({ limit: 9 })).length, 1);
  });
});

Deno.test("guessing is held back, and the owner is not", async (t) => {
  await using identity = await startIdentity(PROXIED);
  await addUser(identity);
  await addUser(identity, "bob");
  const { browser: owner } = await signedInBrowser(identity);

  await t.step("an account, whoever guesses from wherever", async () => {
    const statuses: number[] = [];
    for (let i = 1; i <= 12; i++) {
      statuses.push(
        (await guess(identity, { address: `203.0.113.${i}` })).status,
      );
    }
    assertEquals(statuses.slice(0, 5), Array(5).fill(401));
    ok(statuses.slice(5).includes(429), `${statuses}`);
    const blocked = await guess(identity, { password: PASSWORD });
    strictEqual(blocked.status, 429, "the right password is not looked at");
    match(readable(blocked), /too many attempts have failed; wait/);
    ok(Number(blocked.headers.get("retry-after")) >= 1);
  });
  await t.step("not the owner's browser", async () => {
    owner.cookies.delete("mainstay_idp");
    const page = await openLogin(identity, owner);
    strictEqual((await typePassword(owner, page)).url.pathname, "/account");
  });
  await t.step(
    "an owner's browser guesses no more than others do",
    async () => {
      owner.cookies.delete("mainstay_idp");
      const statuses: number[] = [];
      for (let i = 0; i < 18; i++) {
        const page = await openLogin(identity, owner);
        statuses.push((await typePassword(owner, page, "ann", "wrong")).status);
      }
      ok(statuses.includes(429), `${statuses}`);
      const other = await typePassword(
        owner,
        await openLogin(identity, owner),
        "bob",
        "wrong",
      );
      strictEqual(other.status, 401, "its mark is for one account");
    },
  );
  await t.step("of fifty guesses at once, a few are looked at", async () => {
    await identity.postgres.query("DELETE FROM attempts");
    const pages = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        guess(identity, {
          username: "bob",
          address: `2001:db8:0:${i}::1`,
        })),
    );
    const tried = pages.filter(({ status }) => status === 401).length;
    ok(tried >= 6 && tried < 12, `${tried} were looked at`);
  });
  await t.step("an address, whatever account it tries", async () => {
    await identity.postgres.query("DELETE FROM attempts");
    let blockedAt = 0;
    for (let i = 0; i < 45 && blockedAt === 0; i++) {
      const page = await guess(identity, {
        username: `user-${i}`,
        // One subscriber's network.
        address: `2001:db8:7:7::${i + 1}`,
      });
      if (page.status === 429) blockedAt = i;
    }
    ok(blockedAt >= 31, `${blockedAt}`);
    const elsewhere = await guess(identity, { address: "2001:db8:7:8::1" });
    strictEqual(elsewhere.status, 401);
  });
});

Deno.test("codes are good once", async (t) => {
  await using identity = await startIdentity({ servers: SERVERS });
  const user = await addUser(identity);
  const codeNow = await addTotp(identity, user.id);
  const second = async (browser: Browser) =>
    await typePassword(browser, await openLogin(identity, browser));

  await t.step("a code of the app", async () => {
    const browser = new Browser();
    const page = await second(browser);
    match(readable(page), /Enter your code/);
    const code = codeNow();
    strictEqual(
      (await browser.submit(page, { code })).url.pathname,
      "/account",
    );
    const replay = new Browser();
    const again = await replay.submit(await second(replay), { code });
    strictEqual(again.status, 401);
    match(readable(again), /wrong, or it was used before/);
  });
  await t.step("a code sent twenty times at once", async () => {
    const browsers = Array.from({ length: 6 }, () => new Browser());
    const pages = await Promise.all(browsers.map(second));
    const code = codeNow(1);
    const answers = await Promise.all(
      browsers.map((browser, at) => browser.submit(pages[at]!, { code })),
    );
    strictEqual(
      answers.filter(({ url }) => url.pathname === "/account").length,
      1,
    );
  });
  await t.step("a recovery code", async () => {
    await identity.postgres.query("DELETE FROM attempts");
    await identity.storage.recoveryCodes.replace(user.id, [
      hashRecoveryCode("abcd-efgh-jkmn-pqrs"),
    ]);
    const use = async () => {
      const browser = new Browser();
      const page = await second(browser);
      const href = /href="([^"]*kind=recovery[^"]*)"/.exec(page.text)![1]!;
      const recovery = await browser.open(
        new URL(href.replaceAll("&amp;", "&"), page.url),
      );
      match(readable(recovery), /Use a recovery code/);
      return await browser.submit(recovery, { code: "ABCD EFGH JKMN PQRS" });
    };
    strictEqual((await use()).url.pathname, "/account");
    strictEqual((await use()).status, 401);
  });
  await t.step("not after the password has become another", async () => {
    const browser = new Browser();
    const page = await second(browser);
    const found = await identity.storage.users.find(user.id);
    await identity.storage.users.setPassword(user.id, found!.passwordHash!);
    const late = await browser.submit(page, { code: codeNow(1) });
    strictEqual(late.status, 400);
  });
  await t.step("not without the password", async () => {
    const browser = new Browser();
    const page = await browser.open(`${identity.urls.idp}/oidc/v1/login/code`);
    strictEqual(page.status, 400);
    match(readable(page), /has ended/);
  });
  await t.step("not as often as one likes", async () => {
    await identity.postgres.query("DELETE FROM attempts");
    const browser = new Browser();
    let page = await second(browser);
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      page = await browser.submit(page, { code: "000000" });
      statuses.push(page.status);
    }
    ok(statuses.includes(429), `${statuses}`);
  });
});

Deno.test("a device of one's own pays for no guesses at others", async (t) => {
  await using identity = await startIdentity(PROXIED);
  const secret = await addClient(identity);
  await addUser(identity);
  const { attempts } = identity.storage;
  const { browser } = await signedInBrowser(identity);
  const { body: own } = await postForm(identity, "device_authorization", {
    client_id: "app",
    client_secret: secret,
    scope: "openid",
  });
  const look = async (code: string, address = "192.0.2.9") => {
    const page = await browser.open(
      `${identity.urls.idp}/oidc/v1/device?user_code=${code}`,
      { headers: { "x-forwarded-for": address } },
    );
    return page.status;
  };
  await t.step("of the account", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) {
      statuses.push(await look(own.user_code));
      statuses.push(await look(`BCDF-BCD${"BCDFGHJ"[i]}`));
    }
    const good = [200, 404];
    assertEquals(
      statuses.slice(0, 12),
      Array.from({ length: 6 }, () => good).flat(),
    );
    assertEquals(statuses.slice(12), [429, 429]);
  });
  await t.step("of an address, whoever is signed in there", async () => {
    await identity.postgres.query("DELETE FROM attempts");
    for (let i = 0; i <= LIMITS.address.free; i++) {
      await takeAttempt(attempts, [{ kind: "address", of: "192.0.2.7" }]);
    }
    strictEqual(await look("BCDF-BCDF", "192.0.2.7"), 429);
    strictEqual(await look("BCDF-BCDF", "192.0.2.8"), 404);
  });
});
